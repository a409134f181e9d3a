import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LoopbackRegistry, type NpmName, Tools } from '../../support/packages/loopback-registry.js'
import { Project, ScratchFolder } from '../../support/packages/package.js'

// Installed as a user would: published to a registry on loopback, then `npm install sluice` in an
// empty project with an empty cache and nothing set. First while no platform has a package.

const scratch = new ScratchFolder()
const npms: NpmName[] = ['npm10', 'npm11', 'npm12']
/** Where others need the cores, all of it takes as many times as long. */
const firstTokenMsMax = () =>
  10_000 * Math.max(1, (os.loadavg()[0] ?? 0) / os.availableParallelism())

let tools: Tools
let registry: LoopbackRegistry
let publisher: Project

beforeAll(async () => {
  execFileSync(process.execPath, ['scripts/prebuild.mjs'], { stdio: 'inherit' })
  const out = `--out=${scratch.path('packages')}`
  execFileSync(process.execPath, ['scripts/pack-platforms.mjs', out], { stdio: 'inherit' })
  tools = new Tools()
  registry = await LoopbackRegistry.start(tools, scratch.path('registry'))
  publisher = new Project(scratch.path('publisher'))
  await registry.publish(tarball(/^sluice-\d/), publisher)
}, 60 * 60_000)
afterAll(async () => {
  await registry?.stop()
  scratch[Symbol.dispose]()
})

function tarball(pattern: RegExp): string {
  const names = fs.readdirSync(scratch.path('packages')).filter((name) => pattern.test(name))
  if (names.length !== 1) throw new Error(`${names.length} tarballs match ${pattern}, not one`)
  return scratch.path('packages', names[0] ?? '')
}

let projects = 0
function emptyProject(npm: NpmName): Project {
  const folder = scratch.path(`project-${++projects}`)
  return new Project(folder, tools.npm(npm), {
    npm_config_registry: registry.url,
    npm_config_cache: `${folder}-cache`,
  })
}

const addon = 'node_modules/sluice/build/Release/sluice.node'

const script = `
  import { load } from 'sluice'
  const model = 'node_modules/sluice/models/storyteller.gguf'
  try {
    const engine = await load({ model })
    for await (const part of engine.chat([{ role: 'user', content: 'Tell me a story' }])) {
      console.log('first:', part.text)
      break
    }
    await engine.close()
  } catch ({ code, message }) {
    console.log(code, message)
  }`

describe.each(npms)('with %s and no prebuilt binary', (npm) => {
  const blocks = npm === 'npm12' // it runs only install scripts that were allowed

  test.skipIf(blocks)('install compiles the source', async () => {
    const project = emptyProject(npm)
    const { stderr } = await project.npm('install', 'sluice')
    // npm 11 says that this will have to be allowed.
    if (npm === 'npm11') expect(stderr).toContain('install-scripts')
    expect(fs.existsSync(project.path(addon))).toBe(true)
    expect((await project.module(script)).stdout).toMatch(/^first: /)
  })

  test.runIf(blocks)('install compiles the source once the script is allowed', async () => {
    const project = emptyProject(npm)
    await project.npm('pkg', 'set', 'allowScripts.sluice=true', '--json')
    await project.npm('install', 'sluice')
    expect(fs.existsSync(project.path(addon))).toBe(true)
    expect((await project.module(script)).stdout).toMatch(/^first: /)
  })

  test('where scripts do not run, load() names the command that builds, and it works', async () => {
    const project = emptyProject(npm)
    await project.npm('install', 'sluice', ...(blocks ? [] : ['--ignore-scripts']))
    expect(fs.existsSync(project.path(addon))).toBe(false)
    expect((await project.module(script)).stdout).toMatch(/^ERR_BINARY_MISSING .*npx sluice build/)
    await project.npx('sluice', 'build')
    expect((await project.module(script)).stdout).toMatch(/^first: /)
  })
})

describe('with a package for this platform', () => {
  beforeAll(() => registry.publish(tarball(/^sluice-[a-z]+\d*-/), publisher))

  test.each(npms)('%s installs it, and the first token comes within 10 s', async (npm) => {
    const project = emptyProject(npm)
    const start = performance.now()
    const { stdout, stderr } = await project.npm('install', 'sluice')
    const installed = performance.now()
    const first = await project.module(script)
    const ended = performance.now()
    expect(first.stdout).toMatch(/^first: /)
    expect(fs.existsSync(project.path(addon))).toBe(false) // nothing was compiled
    const seconds = (ms: number) => (ms / 1000).toFixed(2)
    console.log(`${npm}: install ${seconds(installed - start)} s, first token and exit`)
    console.log(`${seconds(ended - installed)} s\n${stdout}${stderr}`)
    expect(ended - start).toBeLessThan(firstTokenMsMax())
  })

  test('its variant of the CPU backend is what doctor can show', async () => {
    const project = emptyProject('npm11')
    await project.npm('install', 'sluice')
    const { stdout } = await project.module(`
      import { binding } from './node_modules/sluice/dist/binding/binding.js'
      console.log(JSON.stringify(binding().backends()))`)
    const files = JSON.parse(stdout) as { name: string; loaded: boolean; path: string }[]
    const loaded = files.filter((file) => file.loaded)
    expect(loaded.map(({ name }) => name)).toEqual(['cpu'])
    expect(loaded[0]?.path).toContain('@sluice')
  })
})
