import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packPlatforms, platforms } from '../../../scripts/pack-platforms.mjs'
import { layOutPlatform } from '../../support/packages/hosts.js'
import { installed } from '../../support/packages/installed.js'
import { LoopbackRegistry, Tools } from '../../support/packages/loopback-registry.js'
import { Project, ScratchFolder } from '../../support/packages/package.js'
import { startProgram } from '../../support/program.js'

// Installed by those that are not npm (which has a test of its own), from a registry on loopback
// with a package for each platform. What they ask about install scripts is in docs/packages.md.

const isHere = process.platform === 'linux' && process.arch === 'x64'
const tools = [
  'pnpm@12.21.0',
  'yarn1@npm:yarn@1.22.22',
  'yarn4@npm:@yarnpkg/cli-dist@4.18.1',
  '@oven/bun-linux-x64@1.4.5',
  '@deno/linux-x64-glibc@2.9.6',
]
const scratch = new ScratchFolder()
let registry: LoopbackRegistry

beforeAll(async () => {
  installed(tools)
  registry = await LoopbackRegistry.start(new Tools(), scratch.path('registry'))
  const publisher = new Project(scratch.path('publisher'))
  const out = scratch.path('packages')
  for (const tarball of await packPlatforms({ out, only: ['sluice'] })) {
    await registry.publish(tarball, publisher)
  }
  for (const platform of platforms) {
    const folder = scratch.path('platforms', platform.name)
    layOutPlatform(folder, platform)
    await registry.publish(folder, publisher)
  }
}, 20 * 60_000)
afterAll(async () => {
  await registry?.stop()
  scratch[Symbol.dispose]()
})

const tool = (file: string) => path.join(installed(tools), 'node_modules', file)

interface Manager {
  /** What runs it. */
  command: () => string[]
  files?: Record<string, string>
  add?: string[]
  /** Exit code of the installation. Default: 0. */
  code?: number
  /** In its output: what it says about our install script. */
  says?: RegExp
  /** What runs a program in the project. Default: this Node. */
  node?: () => string[]
}

const node = process.execPath
const pnpm = () => [node, tool('pnpm/bin/pnpm.mjs'), '--store-dir', scratch.path('pnpm-store')]
const yarn = () => [node, tool('yarn4/bin/yarn.js')]
const yarnBy = (nodeLinker: string): Manager => ({
  command: yarn,
  files: {
    'yarn.lock': '',
    '.yarnrc.yml': JSON.stringify({
      nodeLinker,
      npmRegistryServer: registry.url,
      unsafeHttpWhitelist: ['127.0.0.1'],
      npmMinimalAgeGate: 0, // what is younger than a day is not there for it
      enableTelemetry: false,
      enableGlobalCache: false,
      globalFolder: scratch.path('yarn-global'), // which remembers where a registry was
    }),
  },
  says: /sluice@npm:\S+ .*lists build scripts, but all build scripts have been disabled/,
  node: () => [...yarn(), 'node'],
})

const managers: [name: string, manager: () => Manager][] = [
  [
    'pnpm 12, which has not been told of the script',
    () => ({
      command: pnpm,
      code: 1,
      says: /ERR_PNPM_IGNORED_BUILDS.*Ignored build scripts: sluice/s,
    }),
  ],
  [
    'pnpm 12, which has been told',
    () => ({ command: pnpm, files: { 'pnpm-workspace.yaml': 'allowBuilds:\n  sluice: false\n' } }),
  ],
  ['Yarn 1', () => ({ command: () => [node, tool('yarn1/bin/yarn.js')] })],
  ['Yarn 4 with node_modules', () => yarnBy('node-modules')],
  ['Yarn 4 with Plug’n’Play', () => yarnBy('pnp')],
  ['Yarn 4 with links', () => yarnBy('pnpm')],
  [
    'Bun',
    () => ({
      command: () => [tool('@oven/bun-linux-x64/bin/bun')],
      says: /Blocked 1 postinstall/,
      node: () => [tool('@oven/bun-linux-x64/bin/bun')],
    }),
  ],
  [
    'Deno',
    () => ({
      command: () => [tool('@deno/linux-x64-glibc/deno')],
      files: { 'deno.json': '{ "nodeModulesDir": "auto", "minimumDependencyAge": "0" }' },
      add: ['add', 'npm:sluice'],
      says: /Ignored build scripts for packages:.*npm:sluice@/s,
      node: () => [tool('@deno/linux-x64-glibc/deno'), 'run', '--no-prompt', '--allow-all'],
    }),
  ],
]

describe.runIf(isHere).each(managers)('installed by %s', (_, manager) => {
  test('the package loads, streams and cancels', async () => {
    const { command, files = {}, add = ['add', 'sluice'], code = 0, says = /^/, node } = manager()
    const project = newProject(files)
    const [program = '', ...args] = [...command(), ...add]
    const install = await start(project, program, args)
    expect({ code: install.code, said: install.said }).toEqual({
      code,
      said: expect.stringMatching(says),
    })
    const [runner = process.execPath, ...flags] = node?.() ?? []
    const run = await start(project, runner, [...flags, 'uses-installed.mjs'])
    expect(run.stdout).toBe('health 200\nparts true\nleft cancelled\n')
    expect(run.code).toBe(0)
  })
})

test.runIf(isHere)('left out by pnpm --no-optional, load() names the package', async () => {
  const files = { 'pnpm-workspace.yaml': 'allowBuilds:\n  sluice: false\n' }
  const project = newProject(files)
  const [program = '', ...args] = [...pnpm(), 'add', 'sluice', '--no-optional']
  expect(await start(project, program, args)).toMatchObject({ code: 0 })
  const { stdout } = await start(project, process.execPath, ['uses-installed.mjs'])
  expect(stdout).toContain('install the optional package @sluice/linux-x64, which --omit=optional')
})

let projects = 0

function newProject(files: Record<string, string>): string {
  const folder = scratch.path(`project-${projects++}`)
  mkdirSync(folder)
  const { url } = registry
  const common = {
    '.npmrc': `registry=${url}\n`,
    'bunfig.toml': `[install]\nregistry = "${url}"\n`,
  }
  const all = { 'package.json': '{ "private": true }', ...common, ...files }
  for (const [name, text] of Object.entries(all)) writeFileSync(path.join(folder, name), text)
  const program = 'uses-installed.mjs'
  copyFileSync(path.resolve('test/long/programs', program), path.join(folder, program))
  return folder
}

/** Without npm's settings of this machine, and with caches that nobody else has. */
async function start(cwd: string, program: string, args: readonly string[]) {
  const caches = {
    npm_config_registry: registry.url,
    YARN_CACHE_FOLDER: scratch.path('yarn-cache'),
    BUN_INSTALL_CACHE_DIR: scratch.path('bun-cache'),
    DENO_DIR: scratch.path('deno-cache'),
  }
  const result = await startProgram(program, args, { cwd, env: caches }).result
  return { ...result, said: result.stdout + result.stderr }
}
