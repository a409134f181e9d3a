import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../program.js'
import { installed } from './installed.js'
import { Project, type Tool, toolHere } from './package.js'

const system = process.platform === 'win32' ? 'win' : process.platform

/** Packages of npm that tests run, under the names that they get here. */
const packages = [
  `node24@npm:node-${system}-${process.arch}@24.21.0`,
  'npm10@npm:npm@10.9.9',
  'npm11@npm:npm@11.21.2',
  'npm12@npm:npm@12.2.2',
  'verdaccio@6.10.4',
]

export type NpmName = 'npm10' | 'npm11' | 'npm12'

/** Other releases of Node and npm, and a registry. */
export class Tools {
  readonly #modules: string

  constructor() {
    // verdaccio asks for a tag of node-fetch that not every mirror has.
    this.#modules = path.join(installed(packages, { 'node-fetch': '2.7.0' }), 'node_modules')
  }

  /** npm 12 does not run on the oldest Node that we do. */
  npm(name: NpmName): Tool {
    const npm = path.join(this.#modules, name, 'bin/npm-cli.js')
    return { node: name === 'npm12' ? this.node24 : toolHere().node, npm }
  }

  get node24(): string {
    const program = process.platform === 'win32' ? 'node.exe' : 'node'
    return path.join(this.#modules, 'node24/bin', program)
  }

  get verdaccio(): string {
    return path.join(this.#modules, 'verdaccio/bin/verdaccio')
  }
}

/** A registry of our own on loopback, which has what is published to it, and all that is npm's. */
export class LoopbackRegistry {
  readonly url: string
  readonly #child: ChildProcess
  #token = ''

  private constructor(url: string, child: ChildProcess) {
    this.url = url
    this.#child = child
  }

  static async start(tools: Tools, folder: string): Promise<LoopbackRegistry> {
    fs.mkdirSync(folder, { recursive: true })
    const port = await freePort()
    const config = path.join(folder, 'config.yaml')
    // Where other packages come from on this machine.
    const upstream = await new Project(path.join(folder, 'asks')).npm('config', 'get', 'registry')
    fs.writeFileSync(config, configuration(upstream.stdout.trim(), port))
    const child = spawn(tools.node24, [tools.verdaccio, '-c', config], { stdio: 'ignore' })
    const registry = new LoopbackRegistry(`http://127.0.0.1:${port}/`, child)
    try {
      await registry.#addUser()
      return registry
    } catch (error) {
      await registry.stop()
      throw error
    }
  }

  async publish(tarball: string, from: Project): Promise<void> {
    const token = `--//${new URL(this.url).host}/:_authToken=${this.#token}`
    await from.npm('publish', tarball, `--registry=${this.url}`, token, '--access=public')
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    this.#child.kill()
    await once(this.#child, 'exit')
  }

  async #addUser(): Promise<void> {
    const body = JSON.stringify({ name: 'tester', password: 'a password for loopback' })
    const headers = { 'Content-Type': 'application/json' }
    for (let tries = 0; ; tries++) {
      try {
        const url = `${this.url}-/user/org.couchdb.user:tester`
        const answer = await fetch(url, { method: 'PUT', headers, body })
        this.#token = ((await answer.json()) as { token: string }).token
        return
      } catch (error) {
        if (tries > 300) throw error
        await sleep(200) // it is starting
      }
    }
  }
}

/** Ours are only what is published here: an unpublished one is 404, not asked for elsewhere. */
function configuration(upstream: string, port: number): string {
  const ours = { access: '$all', publish: '$all' }
  return JSON.stringify({
    storage: './storage',
    auth: { htpasswd: { file: './htpasswd' } },
    uplinks: { upstream: { url: upstream } },
    packages: { sluice: ours, '@sluice/*': ours, '**': { access: '$all', proxy: 'upstream' } },
    max_body_size: '100mb',
    listen: `127.0.0.1:${port}`,
    log: { type: 'stdout', level: 'error' },
  })
}
