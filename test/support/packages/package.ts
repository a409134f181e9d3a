import { execFile } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
export const checkoutRoot = path.resolve(import.meta.dirname, '../../..')

/** What a program printed. Rejects, with its output, where it does not end with 0. */
export interface Output {
  stdout: string
  stderr: string
}

export interface Tool {
  node: string
  /** npm's own script. */
  npm: string
}

/** This Node, and the npm that runs the tests or belongs to it. */
export function toolHere(): Tool {
  const fromNpm = process.env.npm_execpath
  const besideNode = path.resolve(process.execPath, '../../lib/node_modules/npm/bin/npm-cli.js')
  const npm = fromNpm?.endsWith('npm-cli.js') ? fromNpm : besideNode
  if (!fs.existsSync(npm)) throw new Error(`no npm at ${npm}; run these tests with: npm test`)
  return { node: process.execPath, npm }
}

/** A throw-away folder that is nobody's checkout: what is looked for above it is not there. */
export class ScratchFolder {
  readonly root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-package-')))

  path(...parts: string[]): string {
    return path.join(this.root, ...parts)
  }

  [Symbol.dispose](): void {
    fs.rmSync(this.root, { recursive: true, force: true })
  }
}

/** A user's project: empty but for a manifest. */
export class Project {
  readonly root: string
  readonly #tool: Tool
  readonly #env: Record<string, string>

  constructor(root: string, tool = toolHere(), env: Record<string, string> = {}) {
    this.root = root
    this.#tool = tool
    this.#env = env
    fs.mkdirSync(root, { recursive: true })
    fs.writeFileSync(path.join(root, 'package.json'), '{ "name": "a-project", "private": true }\n')
  }

  path(...parts: string[]): string {
    return path.join(this.root, ...parts)
  }

  npm(...args: string[]): Promise<Output> {
    return this.#run([this.#tool.npm, ...args])
  }

  /** `npx` of a program that is installed here. */
  npx(...args: string[]): Promise<Output> {
    return this.npm('exec', '--offline', '--', ...args)
  }

  /** JavaScript, as the body of a module. */
  module(script: string): Promise<Output> {
    return this.#run(['--input-type=module', '-e', script])
  }

  commonJs(script: string): Promise<Output> {
    return this.#run(['-e', script])
  }

  #run(args: string[]): Promise<Output> {
    return execute(this.#tool.node, args, {
      cwd: this.root,
      env: { ...cleanEnv(), PATH: this.#path(), ...this.#env },
      maxBuffer: 64 * 2 ** 20,
    })
  }

  /** This tool's Node before any other, for the scripts that npm runs. */
  #path(): string {
    return [path.dirname(this.#tool.node), process.env.PATH].join(path.delimiter)
  }
}

/** As a user's: without what npm and vitest hand down, and without settings of Sluice's. */
function cleanEnv(): NodeJS.ProcessEnv {
  const machine = 'config_(registry|cache|userconfig|globalconfig|cafile|(https?_)?proxy)$'
  const foreign = new RegExp(`^(npm_(?!${machine})|SLUICE_|VITEST|NODE_|INIT_CWD$)`, 'i')
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)))
}

/** The tarball that `npm pack` makes of this checkout, whose dist/ is built. */
export async function packCheckout(into: string): Promise<string> {
  const { node, npm } = toolHere()
  const args = [npm, 'pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', into]
  const { stdout } = await execute(node, args, { cwd: checkoutRoot })
  return path.join(into, stdout.trim())
}
