import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { libc, platformName } from '../../src/binding/platform.js'
import { randomModel } from '../support/models/random-model.js'
import { ScratchFolder } from '../support/packages/package.js'
import { packageCopy } from '../support/packages/package-copy.js'

/** A copy of the package as it is where nothing was built; what a test adds is taken away. */
const scratch = new ScratchFolder()
const folder = scratch.path('package')
const own = path.join(folder, 'build/Release/sluice.node')
const tuple = `${process.platform}-${process.arch}`
const tag = libc()
const prebuilt = path.join('prebuilds', tuple, tag ? `sluice.${tag}.node` : 'sluice.node')
const platformPackage = scratch.path('node_modules/@sluice', platformName())

beforeAll(() => {
  packageCopy(folder, ['dist'])
})
afterEach(() => {
  for (const added of [path.dirname(own), path.join(folder, 'prebuilds'), platformPackage]) {
    rmSync(added, { recursive: true, force: true })
  }
})
afterAll(() => scratch[Symbol.dispose]())

/** The binary that tests have built, in another place. */
function put(file: string) {
  mkdirSync(path.dirname(file), { recursive: true })
  cpSync('build/Release/sluice.node', file)
}

function putPlatformPackage() {
  put(path.join(platformPackage, prebuilt))
  writeFileSync(path.join(platformPackage, 'package.json'), '{}')
}

function putNoBinary(file: string) {
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, 'no binary')
}

/** What load() comes to, and what was looked at on the way. */
function load(cwd = folder): { outcome: string; attempts: { file?: string; reason?: string }[] } {
  const script = `
    import { load } from './dist/index.js'
    import { bindingAttempts } from './dist/binding/binding.js'
    const outcome = await load({ model: ${JSON.stringify(randomModel())} }).then(
      async (engine) => (await engine.close(), 'loaded'),
      ({ code, message }) => code + ' ' + message,
    )
    console.log(JSON.stringify({ outcome, attempts: bindingAttempts() }))`
  const args = ['--input-type=module', '-e', script]
  return JSON.parse(execFileSync(process.execPath, args, { cwd, encoding: 'utf8' }))
}

const takenFrom = ({ attempts }: ReturnType<typeof load>) => attempts.at(-1)?.file

describe('the native binary', () => {
  test('is a build of one’s own, before all others', () => {
    for (const file of [own, path.join(folder, prebuilt)]) put(file)
    putPlatformPackage()
    expect(load()).toMatchObject({ outcome: 'loaded', attempts: [{ file: own }] })
  })

  test('is the prebuilt one in the folder, before the platform’s package', () => {
    put(path.join(folder, prebuilt))
    putPlatformPackage()
    const result = load()
    expect(result.outcome).toBe('loaded')
    expect(takenFrom(result)).toBe(path.join(folder, prebuilt))
  })

  test('is that of the platform’s package', () => {
    putPlatformPackage()
    const result = load()
    expect(result.outcome).toBe('loaded')
    expect(takenFrom(result)).toBe(path.join(platformPackage, prebuilt))
  })

  test('is the next one where one cannot be loaded, and the reason is kept', () => {
    putNoBinary(own)
    putPlatformPackage()
    const { outcome, attempts } = load()
    expect(outcome).toBe('loaded')
    expect(attempts.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('cannot be loaded: '),
      'is not there',
      undefined,
    ])
  })
})

test('importing works without a binary, and load() names the command that builds it', () => {
  const { outcome } = load()
  expect(outcome).toMatch(/^ERR_BINARY_MISSING .*npx sluice build/)
  expect(outcome).toContain(`a build of your own (${own}) is not there`)
  expect(outcome).toContain(`the package @sluice/${platformName()} is not installed`)
})

describe('load() without a binary says what is wrong', () => {
  test('with node_modules of another system, by their names', () => {
    const other = scratch.path('node_modules/@sluice/plan9-mips')
    mkdirSync(other, { recursive: true })
    writeFileSync(path.join(other, 'package.json'), '{}')
    // Beside the package, as npm lays it out.
    const installed = packageCopy(scratch.path('node_modules/sluice'), ['dist'])
    const { outcome } = load(installed)
    expect(outcome).toContain('node_modules was installed for plan9-mips; install it again')
    rmSync(other, { recursive: true })
    rmSync(installed, { recursive: true })
  })

  test('where optional packages were left out, with the command that brings this one', () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
    const name = `@sluice/${platformName()}`
    const published = { ...manifest, optionalDependencies: { [name]: manifest.version } }
    const file = path.join(folder, 'package.json')
    writeFileSync(file, JSON.stringify(published))
    const { outcome } = load()
    writeFileSync(file, JSON.stringify(manifest))
    expect(outcome).toContain(`install the optional package ${name}, which --omit=optional leaves`)
    expect(outcome).toContain('npm install --include=optional; or build it with: npx sluice build')
  })

  test('in an asar archive, with the line that unpacks it', () => {
    const inside = packageCopy(scratch.path('app.asar/node_modules/sluice'), ['dist'])
    expect(load(inside).outcome).toContain("asarUnpack: ['**/node_modules/{sluice,@sluice}/**']")
  })
})
