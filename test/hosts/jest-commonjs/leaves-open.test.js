const { load } = require('sluice')

require('../cases/leaves-open.cjs')({ load, runner: { expect, test } })
