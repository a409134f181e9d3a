import { load } from 'sluice'
import { createServer } from 'sluice/http'
import server from '../cases/server.cjs'

server({ load, createServer, runner: { expect, test } })
