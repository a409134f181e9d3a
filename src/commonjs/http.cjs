'use strict'

try {
  module.exports = require('../http/index.js')
} catch (error) {
  const { loadModule } = require('./load-module.cjs')
  module.exports = loadModule(error, require.resolve('../http/index.js'))
}
