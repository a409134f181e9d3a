import { createRequire } from 'node:module'
import { load } from 'sluice'
import { createServer } from 'sluice/http'
import { expect, test } from 'vitest'

const require = createRequire(import.meta.url)

require('../cases/server.cjs')({ load, createServer, runner: { expect, test } })
