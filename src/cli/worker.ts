import { once } from 'node:events'
import fs from 'node:fs'
import net, { type AddressInfo, isIPv4 } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { reasonOf } from '../api/show.js'
import { bindingPlace } from '../binding/binding.js'
import { packageRoot } from '../binding/package-root.js'
import { coresMax } from '../engine/machine.js'
import { loadBinding } from '../engine/native-options.js'
import { isLoopback } from '../http/door/loopback.js'
import { refused } from '../options/checks.js'
import type { workerFlags } from '../options/command-flags.js'
import type { Settled } from '../options/flags.js'
import { type WorkerMemory, WorkerTrouble } from '../workers/ask-worker.js'
import { findWorker } from '../workers/find-workers.js'
import { serveFromProcess } from '../workers/serving.js'
import { colours } from './colours.js'
import { gibibytes } from './doctor/format.js'
import { packageVersion } from './package-root.js'
import { seemFree } from './serve/ports.js'
import { stopSignal } from './serve/stop-signal.js'

type Flags = Settled<typeof workerFlags>

/** How long it may take until the process that serves answers: a GPU's driver takes its time. */
const startMs = 60_000
const lookMs = 100

/**
 * `sluice worker`: serves this machine's devices to engines of other machines, until SIGTERM or
 * SIGINT, which end it at once.
 * @returns the exit code
 */
export async function workerCommand(flags: Flags): Promise<number> {
  checkTrust(flags)
  const addon = loadBinding()
  const { host } = flags
  const port = await freePort(flags)
  const cacheDir = madeFolder(flags.weightsDir)
  const threads = flags.threads ?? Math.max(1, Math.floor(coresMax() / 2))
  const options = { host, port, cacheDir, threads, gpu: flags.gpu }
  const ended = new AbortController() // else what goes on beside a failure keeps this process
  const stop = AbortSignal.any([stopSignal(), ended.signal])
  const serving = serveFromProcess({
    program: path.join(packageRoot(), 'dist/workers/child.cjs'),
    message: { ...bindingPlace(), options },
    stop,
    onDeath: (words, retryMs) => {
      const line = `the process that serves ${words}; started again in ${retryMs} ms`
      process.stderr.write(`${colours.yellow('sluice:')} warning: ${line}\n`)
    },
  })
  const told = announce(flags, port, addon.rpcVersion, stop)
  try {
    await Promise.race([serving, told.then(() => serving)])
  } finally {
    ended.abort()
  }
  return 0
}

/** Who reaches a worker may do as it likes there: nobody shall open one by accident. */
function checkTrust({ host, trustedNetwork }: Flags): void {
  if (!isIPv4(host)) throw refused('--host', "an IPv4 address (ggml's RPC has no other)", host)
  if (isLoopback(host) || trustedNetwork) return
  throw refused(
    '--host',
    'a loopback address, or --trusted-network beside it: a worker asks for no key, encrypts ' +
      'nothing, and whoever reaches it can run code on this machine',
    host,
  )
}

/**
 * ggml does not say why it cannot listen, and knows no port that the system picks. A port is opened
 * for a look only where nobody waits for it, or where asking does not tell.
 */
async function freePort({ host, port }: Flags): Promise<number> {
  if (port !== 0 && (await seemFree([port], host))) return port
  const server = net.createServer()
  try {
    await once(server.listen(port, host), 'listening')
    return (server.address() as AddressInfo).port
  } catch (cause) {
    const { message } = cause as Error
    throw refused('--port', 'a port that nothing listens on', `${port} (${message})`, { cause })
  } finally {
    server.close()
  }
}

function madeFolder(folder: string | undefined): string {
  if (folder === undefined) return ''
  try {
    fs.mkdirSync(folder, { recursive: true })
    fs.accessSync(folder, fs.constants.W_OK)
  } catch (cause) {
    const came = `${folder} (${reasonOf(cause)})`
    throw refused('--weights-dir', 'a folder that can be made and written to', came, { cause })
  }
  return path.resolve(folder)
}

/** On stdout, once it answers. */
async function announce(
  { host }: Flags,
  port: number,
  version: string,
  signal: AbortSignal,
): Promise<void> {
  const own = host === '0.0.0.0' ? '127.0.0.1' : host
  const devices = await firstAnswer(`${own}:${port}`, version, signal)
  if (signal.aborted) return
  process.stdout.write(`${banner(`${host}:${port}`, version, devices)}\n`)
}

/** None where a client was there before, or the worker is to end. */
async function firstAnswer(
  name: string,
  version: string,
  signal: AbortSignal,
): Promise<readonly WorkerMemory[]> {
  const begin = performance.now()
  while (!signal.aborted) {
    try {
      const { devices } = await findWorker(name, { version, signal })
      return devices
    } catch (error) {
      if (signal.aborted) break
      const { cause } = error as Error
      if (cause instanceof WorkerTrouble && cause.isBusy) break
      if (performance.now() - begin > startMs) throw error
    }
    await sleep(lookMs)
  }
  return []
}

function banner(place: string, version: string, devices: readonly WorkerMemory[]): string {
  const memory = devices.map(({ freeBytes, totalBytes }) => {
    return `  a device with ${gibibytes(freeBytes)} free of ${gibibytes(totalBytes)}`
  })
  return [
    `Sluice ${packageVersion()} serves devices at ${place} (RPC ${version}), one program at a time`,
    ...memory,
    '  For a network that you trust, and no other: there is no key and no encryption, and whoever',
    '  reaches this port can run code here.',
  ].join('\n')
}
