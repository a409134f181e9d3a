import { createRequire } from 'node:module'
import { load } from 'sluice'
import { expect, test } from 'vitest'

const require = createRequire(import.meta.url)

require('../cases/leaves-open.cjs')({ load, runner: { expect, test } })
