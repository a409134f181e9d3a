import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Stop } from '../../scripts/support/stop.mjs'
import { endChild, startChild } from './children.js'

/** How a server is started; `port` must be put into the arguments by the caller. */
export interface ServerCommand {
  name: string
  program: string
  args: (port: number) => string[]
}

const startDeadlineMs = 120_000
const pageBytes = 4096

/** One server as a process of its own. Who spawned it stops it. */
export class ServerProcess {
  readonly name: string
  readonly port: number
  readonly #child: ChildProcess
  #stderr = ''

  private constructor(command: ServerCommand, port: number) {
    this.name = command.name
    this.port = port
    this.#child = startChild(command.program, command.args(port), {
      env: cleanEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4000)
    })
    this.#child.on('error', (error) => {
      this.#stderr += error.message
    })
  }

  /** Spawned, and not waited for. */
  static async spawn(command: ServerCommand): Promise<ServerProcess> {
    return new ServerProcess(command, await freePort())
  }

  /** @throws Stop when it ends, or does not answer in time */
  async ready(): Promise<this> {
    const deadline = performance.now() + startDeadlineMs
    while (performance.now() < deadline) {
      if (this.#child.exitCode !== null) break
      if (await this.#isHealthy()) return this
      await sleep(20)
    }
    await this.stop()
    throw new Stop(`${this.name} did not start; the end of what it said:\n${this.#stderr}`)
  }

  /** Takes no cycles until resume(). */
  pause(): void {
    this.#child.kill('SIGSTOP')
  }

  resume(): void {
    this.#child.kill('SIGCONT')
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Resident memory as the kernel counts it. */
  residentBytes(): number {
    const statm = fs.readFileSync(`/proc/${this.#child.pid}/statm`, 'latin1')
    return Number(statm.split(' ')[1]) * pageBytes
  }

  /** At once; with SIGTERM it ends well, as by a service manager. */
  stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    return endChild(this.#child, signal)
  }

  async #isHealthy(): Promise<boolean> {
    try {
      return (await fetch(`http://127.0.0.1:${this.port}/health`)).ok
    } catch (error) {
      if (error instanceof TypeError) return false // refused: it does not listen yet
      throw error
    }
  }
}

/** A new server that is ready, stopped whatever happens. */
export async function withServer<T>(
  command: ServerCommand,
  use: (server: ServerProcess) => Promise<T>,
): Promise<T> {
  const server = await (await ServerProcess.spawn(command)).ready()
  try {
    return await use(server)
  } finally {
    await server.stop()
  }
}

/**
 * Without settings of either server, and of Node: NODE_EXTRA_CA_CERTS with the system's usual file
 * makes Node 20 take 30 to 50 ms longer to start.
 */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env)
  return Object.fromEntries(entries.filter(([name]) => !/^(SLUICE|LLAMA|GGML|NODE)_/.test(name)))
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
