const { load } = require('sluice')
const { createServer } = require('sluice/http')

require('../cases/server.cjs')({ load, createServer, runner: { expect, test } })
