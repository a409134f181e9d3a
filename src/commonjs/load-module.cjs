'use strict'

/**
 * Where a require() takes no ES module although Node's own does: Jest's, before Node 24.9; and that
 * which Node 20 gives CommonJS behind a loader hook, as of tsx, where a module imports another.
 */
const codes = ['ERR_REQUIRE_ESM', 'ERR_VM_MODULE_LINK_FAILURE']

/**
 * What Node's own require() makes of one of our ES modules, where the caller's failed with `error`.
 * @param {unknown} error
 * @param {string} file
 */
exports.loadModule = (error, file) => {
  const { code } = /** @type {{ code?: string }} */ (error)
  if (code === undefined || !codes.includes(code)) throw error
  // Jest's contexts have a node:module of its making; this one lies outside of them.
  const { getBuiltinModule } = require('node:vm').runInThisContext('process')
  return getBuiltinModule('node:module').createRequire(file)(file)
}
