import { execFile, execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { platformName } from '../../../src/binding/platform.js'
import { ScratchFolder } from '../../support/packages/package.js'
import { prebuiltPackage } from '../../support/packages/package-copy.js'

// The binary of a package: ggml's backends are libraries beside the addon, the CPU's once for each
// generation of processors.

const execute = promisify(execFile)
const scratch = new ScratchFolder()
const folder = scratch.path('package')
const prebuilds = path.join(folder, 'prebuilds', `${process.platform}-${process.arch}`)
const isLinux = process.platform === 'linux'

beforeAll(() => {
  prebuiltPackage(folder)
}, 60 * 60_000)
afterAll(() => scratch[Symbol.dispose]())

/** A reply and the backends that were looked at, as JSON. */
const script = `
  import { load } from './dist/index.js'
  import { binding } from './dist/binding/binding.js'
  const engine = await load({ model: 'models/storyteller.gguf', context: 256, threads: 1 })
  const ask = [{ role: 'user', content: 'Tell me a story' }]
  const text = await engine.chat(ask, { maxTokens: 8, temperature: 0 }).text()
  await engine.close()
  console.log(JSON.stringify({ text, backends: binding().backends() }))`

interface Report {
  text: string
  backends: { name: string; path: string; loaded: boolean; reason: string; variant?: string }[]
}

async function report(wrapper: string[] = [], cwd = folder): Promise<Report> {
  const [program = '', ...args] = [
    ...wrapper,
    process.execPath,
    '--input-type=module',
    '-e',
    script,
  ]
  const { stdout } = await execute(program, args, { cwd, timeout: 10 * 60_000 })
  return JSON.parse(stdout)
}

const loadedOf = ({ backends }: Pick<Report, 'backends'>) => backends.filter((file) => file.loaded)

interface Search extends Pick<Report, 'backends'> {
  /** Why it failed. */
  message?: string
}

/**
 * Two searches of one process in a folder and for a backend that is compiled from this source.
 * @param between JavaScript, run between them
 */
function searches(name: string, source: string, folder: string, between: string): Search[] {
  const further = scratch.path(`${name}-backend`)
  fs.mkdirSync(further)
  fs.writeFileSync(path.join(further, 'backend.cpp'), source)
  const headers = ['include', 'src'].map((part) => `-I${path.resolve('deps/llama.cpp/ggml', part)}`)
  const made = ['-o', path.join(further, 'libggml-vulkan.so'), path.join(further, 'backend.cpp')]
  execFileSync('c++', ['-shared', '-fPIC', '-std=c++17', ...headers, ...made])
  const search = `
    const fs = require('node:fs')
    const folder = ${JSON.stringify(folder)}
    const addon = fs.readdirSync(folder).find((name) => name.endsWith('.node'))
    const { loadBackends, backends } = require(folder + '/' + addon)
    const once = () => {
      try {
        loadBackends([${JSON.stringify(further)}])
        return { backends: backends() }
      } catch ({ message }) {
        return { message }
      }
    }
    const first = once()
    ${between}
    console.log(JSON.stringify([first, once()]))`
  return JSON.parse(execFileSync(process.execPath, ['-e', search], { encoding: 'utf8' }))
}

describe('the prebuilt binary', () => {
  test('loads one variant of the CPU backend, and says of the others why not', async () => {
    const { text, backends } = await report()
    expect(text).toMatch(/\w/)
    const [chosen, ...more] = backends.filter((file) => file.loaded).reverse()
    expect(more).toMatchObject([{ name: 'rpc', reason: '' }])
    expect(chosen).toMatchObject({ name: 'cpu', reason: '', variant: expect.any(String) })
    expect(fs.realpathSync(path.dirname(chosen?.path ?? ''))).toBe(fs.realpathSync(prebuilds))
    for (const file of backends) if (!file.loaded) expect(file.reason).not.toBe('')
  })

  test.runIf(isLinux)('needs no library that Node does not bring, and names no folder', () => {
    const names = fs.readdirSync(prebuilds)
    const ours = /^(libsluice-|libggml-)/
    const usual = /^(lib(stdc\+\+|m|gcc_s|c|dl|pthread)\.so\.\d|ld-linux.*|libc\.musl-.*)$/
    for (const name of names) {
      const dynamic = execFileSync('readelf', ['-dW', path.join(prebuilds, name)], {
        encoding: 'utf8',
      })
      const needed = [...dynamic.matchAll(/NEEDED.*\[(.*)\]/g)].map((match) => match[1] ?? '')
      const unusual = needed.filter((library) => !usual.test(library))
      for (const library of unusual) expect(names).toContain(library)
      for (const library of unusual) expect(library).toMatch(ours)
      for (const [, rpath] of dynamic.matchAll(/(?:RPATH|RUNPATH).*\[(.*)\]/g)) {
        expect(rpath).toBe('$ORIGIN')
      }
    }
  })

  test.runIf(isLinux)('opens a variant without running code that its processor may lack', () => {
    // An initializer would be compiled for that processor, and run before the variant is refused.
    const variants = fs.readdirSync(prebuilds).filter((name) => name.startsWith('libggml-cpu-'))
    expect(variants.length).toBeGreaterThan(1)
    for (const name of variants) {
      const dynamic = execFileSync('readelf', ['-dW', path.join(prebuilds, name)], {
        encoding: 'utf8',
      })
      expect(dynamic).toMatch(/INIT_ARRAYSZ.* 8 \(bytes\)/) // the compiler's own
    }
  })

  test('never loads a backend from the current folder', async () => {
    const elsewhere = scratch.path('elsewhere')
    fs.cpSync(prebuilds, elsewhere, { recursive: true })
    const absolute = script.replaceAll("'./dist", `'${pathToFileURL(folder)}/dist`)
    const model = JSON.stringify(path.join(folder, 'models/storyteller.gguf'))
    const from = absolute.replace("'models/storyteller.gguf'", model)
    const { stdout } = await execute(process.execPath, ['--input-type=module', '-e', from], {
      cwd: elsewhere,
      env: { ...process.env, GGML_BACKEND_PATH: path.join(elsewhere, 'libggml-cpu-x64.so') },
    })
    expect(stdout).not.toContain(elsewhere)
  })

  test('without its libraries is refused with what is missing, and loads no other', async () => {
    const bare = scratch.path('bare')
    fs.cpSync(folder, bare, { recursive: true })
    for (const name of fs.readdirSync(path.join(bare, 'prebuilds'), { recursive: true })) {
      if (/ggml-cpu-/.test(String(name))) fs.rmSync(path.join(bare, 'prebuilds', String(name)))
    }
    const cwd = { cwd: prebuilds, encoding: 'utf8' } as const
    const ask = `
      import { load } from '${pathToFileURL(bare)}/dist/index.js'
      await load({ model: 'a' }).catch(({ code, message }) => console.log(code, message))`
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', ask], cwd)
    expect(stdout).toMatch(/^ERR_BINARY_MISSING/)
    expect(stdout).toContain('no CPU backend could be loaded')
  })

  test.runIf(isLinux)('takes no backend of another release, and says so', async () => {
    const further = scratch.path('node_modules/@sluice', `${platformName()}-vulkan`)
    const libraries = path.join(further, 'prebuilds', path.basename(further))
    fs.mkdirSync(libraries, { recursive: true })
    fs.writeFileSync(path.join(further, 'package.json'), '{}')
    // As the linker leaves it: it needs the core of the release that it was made for.
    const core = 'libsluice-ggml-base-0.0.0-000000000.so'
    const compile = (...args: string[]) => execFileSync('c++', ['-shared', '-x', 'c++', ...args])
    const source = scratch.path('backend.cpp')
    fs.writeFileSync(source, 'extern "C" void* ggml_backend_init() { return nullptr; }')
    compile(source, `-Wl,-soname,${core}`, '-o', scratch.path(core))
    const link = ['-Wl,--no-as-needed', '-x', 'none', scratch.path(core)]
    compile(source, ...link, '-o', path.join(libraries, 'libggml-vulkan.so'))
    try {
      const result = await report()
      expect(loadedOf(result)).toMatchObject([{ name: 'rpc' }, { name: 'cpu' }])
      const vulkan = result.backends.find(({ name }) => name === 'vulkan')
      expect(vulkan).toMatchObject({ loaded: false, reason: expect.stringContaining(core) })
    } finally {
      fs.rmSync(further, { recursive: true })
    }
  })

  test.runIf(isLinux)('loads what else there is where a backend’s driver throws', () => {
    const thrown = `#include <stdexcept>
      extern "C" void* ggml_backend_init() { throw std::runtime_error("the driver is lost"); }`
    const [once] = searches('throws', thrown, prebuilds, 'true')
    expect(loadedOf(once as Search)).toMatchObject([{ name: 'rpc' }, { name: 'cpu' }])
    const reason = 'the driver is lost'
    expect(once?.backends).toContainEqual(
      expect.objectContaining({ name: 'vulkan', loaded: false, reason }),
    )
  })

  test.runIf(isLinux)('is searched for again after a search that found no CPU backend', () => {
    const bare = scratch.path('bare-files')
    fs.cpSync(prebuilds, bare, { recursive: true })
    for (const name of fs.readdirSync(bare)) {
      if (name.startsWith('libggml-cpu-')) fs.rmSync(path.join(bare, name))
    }
    const idle = `#include "ggml-backend-impl.h"
      static ggml_backend_reg idle = {GGML_BACKEND_API_VERSION, {
        [](ggml_backend_reg*) { return "Vulkan"; }, [](ggml_backend_reg*) { return size_t(0); },
        nullptr, [](ggml_backend_reg*, const char*) -> void* { return nullptr; }}, nullptr};
      extern "C" void* ggml_backend_init() { return &idle; }`
    const mend = `fs.cpSync(${JSON.stringify(prebuilds)}, folder, { recursive: true })`
    const [first, second] = searches('idle', idle, bare, mend)
    expect(first?.message).toContain('there is no file libggml-cpu-')
    const names = loadedOf(second as Search).map(({ name }) => name)
    expect(names).toEqual(['vulkan', 'rpc', 'cpu'])
  })

  test.each([
    'test/lifecycle',
    'test/examples',
    'test/runtimes',
    'test/long/beside-others',
    'test/long/endurance',
  ])('passes %s', async (tests) => {
    const args = ['node_modules/vitest/vitest.mjs', 'run', tests]
    const env = { ...process.env, SLUICE_TEST_PACKAGE: folder }
    await execute(process.execPath, args, { env, maxBuffer: 2 ** 26 })
  })
})

const qemu = ['/usr/bin/qemu-x86_64-static', '/usr/bin/qemu-x86_64'].find(fs.existsSync)

describe.runIf(qemu && process.arch === 'x64')('on another processor, by qemu', () => {
  // As its manual names them: SSE3 alone, SSE4.2, AVX, AVX with F16C, AVX2.
  test.each([
    ['qemu64', 'x64'],
    ['Nehalem', 'sse42'],
    ['SandyBridge', 'sandybridge'],
    ['IvyBridge', 'ivybridge'],
    ['Haswell', 'haswell'],
  ])('%s takes the variant %s, and replies', async (cpu, variant) => {
    const result = await report([String(qemu), '-cpu', cpu])
    expect(loadedOf(result)).toMatchObject([{ name: 'cpu', variant }])
    expect(result.text).toMatch(/\w/)
  })

  test.each(['Nehalem', 'Haswell'])('%s has loops over logits that are right', (cpu) => {
    const program = path.resolve('build/Release/sluice-native-tests')
    // Those that call every loop; all of them take minutes, because AVX2 is slow there.
    const cases = 'logits: a logit less the whole'
    const { status, stdout } = spawnSync(String(qemu), ['-cpu', cpu, program, cases], {
      encoding: 'utf8',
    })
    expect(stdout).toContain(cases)
    expect(status).toBe(0)
  })
})

describe('in one process', () => {
  test('two copies of a package share their backends and have each device once', async () => {
    const second = scratch.path('second')
    fs.cpSync(folder, second, { recursive: true })
    const both = [folder, second].map((root) => JSON.stringify(root))
    const { stdout } = await execute(process.execPath, [
      '--input-type=module',
      '-e',
      `import { pathToFileURL } from 'node:url'
       const engines = []
       const devices = []
       for (const root of [${both}]) {
         const { href } = pathToFileURL(root)
         const { load } = await import(href + '/dist/index.js')
         const { binding } = await import(href + '/dist/binding/binding.js')
         engines.push(await load({ model: root + '/models/storyteller.gguf' }))
         devices.push(binding().devices(true).map(({ name }) => name).join())
       }
       const ask = [{ role: 'user', content: 'Tell me a story' }]
       const texts = engines.map((engine) => engine.chat(ask, { maxTokens: 20, seed: 1 }).text())
       const [first, again] = await Promise.all(texts)
       for (const engine of engines) await engine.close()
       console.log(JSON.stringify({ devices, same: first === again && first !== '' }))`,
    ])
    expect(JSON.parse(stdout)).toEqual({ devices: ['CPU', 'CPU'], same: true })
  })
})
