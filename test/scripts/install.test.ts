import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ScratchCheckout } from '../support/packages/scratch-checkout.js'

let scratch: ScratchCheckout
beforeEach(() => {
  scratch = new ScratchCheckout()
  scratch.write('dist/binding/binding.js', standInForBinding)
  // What only a checkout has.
  for (const name of ['prepare', 'fetch-llama', 'start', 'test']) {
    scratch.remove(`scripts/${name}.mjs`)
  }
})
afterEach(() => scratch[Symbol.dispose]())

/** Throws as the real one does where nothing can be loaded. */
const standInForBinding = `
import fs from 'node:fs'
export function binding() {
  if (!fs.existsSync('prebuilds')) throw new Error('- a build (a.node) is not there\\n- b is not')
  if (fs.existsSync('prebuilds/crash')) process.abort()
}`

const install = (env: Record<string, string> = {}) => scratch.run('scripts/install.mjs', [], env)

describe('the install step of a package', () => {
  test('uses a prebuilt binary when it loads', () => {
    scratch.write('prebuilds/sluice.node', '')
    expect(install()).toMatchObject({ status: 0, stdout: '' })
    expect(scratch.takeCalls()).toEqual([])
  })

  test('compiles where no prebuilt binary loads, and leaves no objects behind', () => {
    const { status, stdout } = install()
    expect(status).toBe(0)
    expect(stdout).toContain(
      'no prebuilt binary can be loaded\n- a build (a.node) is not there\n- b is not\n',
    )
    expect(scratch.exists('build/Release/sluice.node')).toBe(true)
    expect(scratch.exists('build-cmake')).toBe(false)
  })

  test('compiles when the prebuilt binary crashes the process that loads it', () => {
    scratch.write('prebuilds/crash', '')
    expect(install().status).toBe(0)
    expect(scratch.exists('build/Release/sluice.node')).toBe(true)
  })

  test('compiles when a build from source is asked for', () => {
    scratch.write('prebuilds/sluice.node', '')
    install({ npm_config_build_from_source: 'true' })
    expect(scratch.exists('build/Release/sluice.node')).toBe(true)
  })

  test('never fails: it names the missing tool and the command that builds later', () => {
    scratch.remove('bin/cmake')
    const { status, stderr } = install()
    expect(status).toBe(0)
    expect(stderr).toContain('CMake is not installed')
    expect(stderr).toContain('npx sluice build')
  })

  test('never downloads: a package without its source says so', () => {
    scratch.remove('deps/llama.cpp')
    const { status, stderr } = install()
    expect(status).toBe(0)
    expect(stderr).toContain('No llama.cpp source')
  })

  test('is skipped with SLUICE_SKIP_BUILD', () => {
    expect(install({ SLUICE_SKIP_BUILD: '1' }).stdout).toBe('')
    expect(scratch.takeCalls()).toEqual([])
  })

  test('does nothing in a checkout, where npm start and npm test build', () => {
    scratch.write('scripts/prepare.mjs', '')
    expect(install().stdout).toBe('')
    expect(scratch.takeCalls()).toEqual([])
  })
})
