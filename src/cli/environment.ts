import {
  chatFlags,
  doctorFlags,
  healthFlags,
  removeFlags,
  runFlags,
  serveFlags,
  workerFlags,
} from '../options/command-flags.js'
import { environmentName } from '../options/flags.js'
import { nearest } from '../options/nearest.js'

/** What else is read from the environment: keys, the build, and scripts of the checkout. */
const others = [
  'SLUICE_API_KEY',
  'SLUICE_DEBUG',
  'SLUICE_BACKEND',
  'SLUICE_JOBS',
  'SLUICE_BENCH_DIR',
  'SLUICE_SKIP_BUILD',
  'SLUICE_BUILD_FROM_SOURCE',
]

const known = [
  ...[runFlags, chatFlags, serveFlags, workerFlags, healthFlags, doctorFlags, removeFlags].flatMap(
    (flags) => Object.keys(flags).map(environmentName),
  ),
  ...others,
]

/** What Kubernetes sets in pods for a service whose name begins like that. */
const ofKubernetes = /_SERVICE_(?:HOST|PORT)(?:_|$)|_PORT_\d+_/

/**
 * Variables that would have no effect, and look like a slip of the hand: one line for each. Others
 * that begin with SLUICE_ may be no mistake.
 */
export function misspeltVariables(environment: NodeJS.ProcessEnv): string[] {
  const unknown = Object.keys(environment).filter((name) => {
    return name.startsWith('SLUICE_') && !known.includes(name) && !ofKubernetes.test(name)
  })
  return unknown.flatMap((name) => {
    const meant = nearest(name, known)
    return meant === undefined ? [] : [`${name} has no effect; did you mean ${meant}?`]
  })
}
