/**
 * The program of the process in which `sluice worker` serves devices: ggml's server stops for
 * nothing but the end of its process, and an assertion of ggml ends that. Its parent says in the
 * first message what to serve.
 */
import { createRequire } from 'node:module'
import type { NativeAddon } from '../binding/native.js'
import type { ServeMessage } from './serving.js'

// A terminal's Ctrl-C, and a service manager's SIGTERM, reach every process: the parent's is heard.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

// Also where the parent was killed.
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))

process.title = 'sluice worker'

process.once('message', ({ file, folders, options }: ServeMessage) => {
  const addon = createRequire(file)(file) as NativeAddon
  addon.loadBackends(folders)
  addon.serveDevices(options).catch((error: Error) => {
    process.send?.(error.message, undefined, undefined, () => process.exit(1))
  })
})
