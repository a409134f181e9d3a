'use strict'

try {
  module.exports = require('../langchain/index.js')
} catch (error) {
  const { loadModule } = require('./load-module.cjs')
  module.exports = loadModule(error, require.resolve('../langchain/index.js'))
}
