import sluice = require('../index.js')
export = sluice
