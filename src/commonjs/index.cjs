'use strict'

try {
  module.exports = require('../index.js')
} catch (error) {
  const { loadModule } = require('./load-module.cjs')
  module.exports = loadModule(error, require.resolve('../index.js'))
}
