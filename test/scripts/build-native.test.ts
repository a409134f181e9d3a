import fs from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ScratchCheckout } from '../support/packages/scratch-checkout.js'

let scratch: ScratchCheckout
beforeEach(() => {
  scratch = new ScratchCheckout()
})
afterEach(() => scratch[Symbol.dispose]())

const build = (args: string[] = [], env: Record<string, string> = {}) =>
  scratch.run('scripts/build-native.mjs', args, { SLUICE_BACKEND: 'cpu', ...env })

describe('build-native', () => {
  test('configures, builds and puts the addon into build/Release', () => {
    expect(build()).toMatchObject({ status: 0, lines: ['native: built build/Release'] })
    const calls = scratch.takeCalls()
    expect(calls.map((call) => call.split(' ')[0])).toEqual(['configure', 'build'])
    expect(calls[0]).toContain('--CDSLUICE_BACKEND=cpu')
    expect(calls[1]).toContain('-T sluice')
    expect(scratch.exists('build/Release/sluice.node')).toBe(true)
  })

  test('does nothing the second time, not even look for tools', () => {
    build()
    scratch.takeCalls()
    scratch.remove('bin')
    expect(build()).toMatchObject({ status: 0, lines: ['native: up to date'] })
    expect(scratch.takeCalls()).toEqual([])
  })

  test('builds nothing again for npm start after npm test, and the other way round', () => {
    build(['--tests'])
    expect(build().lines).toEqual(['native: up to date'])
    expect(build(['--tests']).lines).toEqual(['native: up to date'])
  })

  const sources = [
    'native/engine/a.cpp',
    'native/addon/new.cpp',
    'native/base/fault.h',
    'native/grammar/new.cpp',
    'CMakeLists.txt',
    'cmake/amx.cmake',
  ]
  test.each(sources)('builds again when %s changed', (name) => {
    build()
    scratch.takeCalls()
    scratch.write(name, '// changed')
    expect(build().lines).toEqual(['native: built build/Release'])
    expect(scratch.takeCalls()).toHaveLength(2)
  })

  test('does not ask again for what this machine cannot have, and leaves nothing old', () => {
    build(['--tests'])
    scratch.write('native/llama/b.cpp', '// changed')
    scratch.write('skip', 'sluice-soft-amx')
    expect(build(['--tests']).lines).toEqual(['native: built build/Release'])
    expect(scratch.exists('build/Release/soft-amx/sluice.node')).toBe(false)
    expect(build(['--tests']).lines).toEqual(['native: up to date'])
  })

  test('builds again when the result is gone', () => {
    build()
    scratch.remove('build/Release/sluice.node')
    expect(build().lines).toEqual(['native: built build/Release'])
  })

  test('builds the test programs only when asked', () => {
    build(['--tests'])
    const isLinux = process.platform === 'linux' // where the tests have further addons
    const builds = scratch.takeCalls().filter((call) => call.startsWith('build'))
    expect(builds).toHaveLength(isLinux ? 11 : 4)
    expect(scratch.exists('build/Release/faulty/sluice.node')).toBe(isLinux)
    expect(scratch.exists('build/Release/failing/sluice.node')).toBe(isLinux)
    expect(scratch.exists('build/Release/failed-calls/sluice.node')).toBe(isLinux)
    expect(scratch.exists('build/Release/devices/sluice.node')).toBe(isLinux)
    expect(scratch.exists('build/Release/soft-amx/sluice.node')).toBe(isLinux)
    expect(scratch.exists('build/Release/sluice-kernel-tests')).toBe(true)
    expect(scratch.exists('build/Release/sluice-native-tests')).toBe(true)
    expect(scratch.exists('build/Release/sluice-llama-tests')).toBe(true)
  })

  test('with --release collects the addon and the libraries that CMake names', () => {
    expect(build(['--release']).lines).toEqual(['native: built build/prebuild*'])
    expect(scratch.takeCalls()[0]).toContain('--CDSLUICE_RELEASE=ON')
    const folder = 'build/prebuild/build/Release'
    expect(scratch.list(folder)).toEqual(['libggml-a.so', 'sluice.node', 'sluice.node.stamp'])
    scratch.write(`${folder}/libggml-old.so`, '')
    scratch.write('cmake/release.cmake', '# changed')
    build(['--release'])
    expect(scratch.list(folder)).not.toContain('libggml-old.so')
    expect(scratch.exists('build/Release')).toBe(false)
  })

  test('with --release and a further backend builds that library alone', () => {
    build(['--release', '--vulkan'])
    expect(scratch.takeCalls()[1]).toContain('-T ggml-vulkan')
    expect(scratch.exists('build/prebuild')).toBe(false)
    const library = process.platform === 'win32' ? 'ggml-vulkan.dll' : 'libggml-vulkan.so'
    expect(scratch.exists(`build/prebuild-vulkan/${library}`)).toBe(true)
  })

  test('builds a checkout that was moved or copied anew, and goes on with one that was not', () => {
    const cache = 'build-cmake/cpu-x64-release/CMakeCache.txt'
    const folder = path.join(scratch.root, path.dirname(cache))
    scratch.write(cache, 'CMAKE_CACHEFILE_DIR:INTERNAL=/elsewhere/build-cmake/cpu-x64-release\n')
    build(['--arch=x64'])
    expect(scratch.exists(cache)).toBe(false)
    scratch.write(cache, `CMAKE_CACHEFILE_DIR:INTERNAL=${folder}\n`)
    scratch.remove('build/Release/sluice.node')
    expect(build(['--arch=x64']).lines).toEqual(['native: built build/Release'])
    expect(scratch.exists(cache)).toBe(true)
  })

  test('with a sanitizer builds what is tested with it, and not in the place of the addon', () => {
    build(['--sanitize=address'])
    const calls = scratch.takeCalls()
    for (const call of calls) expect(call).toContain('--CDSLUICE_SANITIZE=address')
    for (const name of ['sluice.node', 'sluice-native-tests', 'sluice-llama-tests']) {
      expect(scratch.exists(`build/address/${name}`), name).toBe(true)
    }
    expect(scratch.exists('build/Release')).toBe(false)
  })

  test.each([
    [['--cuda'], {}, 'cuda'],
    [['--vulkan'], {}, 'vulkan'],
    [['--metal'], {}, 'metal'],
    [[], { SLUICE_BACKEND: 'cuda' }, 'cuda'],
    [['--cpu'], { SLUICE_BACKEND: 'cuda' }, 'cpu'],
  ])('with %j and %j computes on %s', (args, env, backend) => {
    build(args, env)
    expect(scratch.takeCalls()[0]).toContain(`--CDSLUICE_BACKEND=${backend} `)
  })

  test('uses another folder for other options, because CMake remembers the old ones', () => {
    const folderOf = (call = '') => /-O (\S+)/.exec(call)?.[1]
    build()
    const plain = folderOf(scratch.takeCalls()[0])
    build(['-DGGML_NATIVE=OFF'])
    const portable = folderOf(scratch.takeCalls()[0])
    build(['--cuda'])
    const cuda = folderOf(scratch.takeCalls()[0])
    expect(new Set([plain, portable, cuda]).size).toBe(3)
  })

  test("hides the settings of a make that runs it from CMake's", () => {
    build([], { MAKEFLAGS: '-j1' })
    expect(scratch.takeCalls()[0]).toContain('MAKEFLAGS=undefined')
  })

  test('fails where the build fails, and tries again', () => {
    scratch.write('native/engine/a.cpp', 'error')
    expect(build()).toMatchObject({ status: 1, stderr: expect.stringContaining('build failed') })
    scratch.write('native/engine/a.cpp', '')
    expect(build().status).toBe(0)
  })

  test('refuses an unknown option or backend', () => {
    expect(build(['--opencl']).stderr).toContain('does not know "--opencl"')
    expect(build([], { SLUICE_BACKEND: 'tpu' }).stderr).toContain('not "tpu"')
  })
})

describe.runIf(process.platform === 'linux')('a missing tool is named with its package', () => {
  test.each([
    ['cmake', [], 'CMake is not installed', 'apt install cmake'],
    ['c++', [], 'A C++ compiler is not installed', 'apt install g++'],
    ['ninja', [], 'Neither ninja nor make is installed', 'apt install ninja-build'],
    ['glslc', ['--vulkan'], '(glslc) is not installed', 'apt install libvulkan-dev glslc'],
  ])('where it is %s', (tool, args, what, hint) => {
    scratch.remove(`bin/${tool}`)
    const { status, stderr } = build(args)
    expect(status).toBe(1)
    expect(stderr).toContain(what)
    expect(stderr).toContain(hint)
    expect(scratch.takeCalls()).toEqual([])
  })

  test.skipIf(fs.existsSync('/usr/local/cuda/bin/nvcc'))('where it is nvcc', () => {
    scratch.remove('bin/nvcc')
    expect(build(['--cuda']).stderr).toContain('CUDA compiler (nvcc) is not installed')
  })

  test('where it is CMake that is too old', () => {
    scratch.tool('cmake', 'echo cmake version 3.10.2')
    expect(build().stderr).toContain('CMake 3.18 or newer is not installed (found 3.10)')
  })

  test('where it is cmake-js before npm ci', () => {
    scratch.remove('node_modules')
    expect(build()).toMatchObject({ status: 1, stderr: expect.stringContaining('Run: npm ci') })
  })
})
