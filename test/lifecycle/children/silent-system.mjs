// In front of another program (--import): a system that tells nothing of itself, as Deno's without
// --allow-sys.

import { syncBuiltinESMExports } from 'node:module'
import os from 'node:os'

const refuse = (name) => () => {
  const error = new Error(`Requires sys access to "${name}", run again with the --allow-sys flag`)
  throw Object.assign(error, { name: 'NotCapable' })
}

for (const name of Object.keys(os)) {
  if (typeof os[name] === 'function' && name !== 'tmpdir') os[name] = refuse(name)
}
syncBuiltinESMExports()
for (const name of [
  'availableMemory',
  'constrainedMemory',
  'cpuUsage',
  'resourceUsage',
  'getuid',
  'geteuid',
  'getgid',
  'getegid',
  'getgroups',
  'loadavg',
]) {
  process[name] = refuse(name)
}
process.report.getReport = refuse('systemInfo')
