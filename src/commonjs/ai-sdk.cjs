'use strict'

try {
  module.exports = require('../ai-sdk/index.js')
} catch (error) {
  const { loadModule } = require('./load-module.cjs')
  module.exports = loadModule(error, require.resolve('../ai-sdk/index.js'))
}
