import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ScratchCheckout } from '../support/packages/scratch-checkout.js'

// The real script with real git and tar; stand-ins are npm and what builds, tests and measures.

let scratch: ScratchCheckout
/** What the stand-in for the registry knows. */
let published: { version: string; engines?: { node: string }; 'dist.integrity': string }[]

beforeEach(() => {
  scratch = new ScratchCheckout()
  for (const name of ['git', 'tar', 'gzip']) {
    const real = execFileSync('which', [name], { encoding: 'utf8' }).trim()
    scratch.tool(name, `PATH=/usr/bin:/bin exec ${real} "$@"`)
  }
  fs.cpSync('node_modules/semver', path.join(scratch.root, 'node_modules/semver'), {
    recursive: true,
  })
  published = []
  scratch.write('npm/package.json', '{}') // CommonJS, other than the checkout
  scratch.write('npm/npm-cli.js', standInForNpm)
  for (const name of ['test', 'bench']) {
    scratch.write(
      `scripts/${name}.mjs`,
      `console.log('stand-in ${name}', ...process.argv.slice(2))`,
    )
  }
  scratch.write('native/llama/a.cpp', 'llama_decode(llama_old_name());')
  publish('1.0.0', 'int llama_decode(int);\nint llama_old_name(void);\nint llama_else(void);\n')
  scratch.write('deps/llama.lock.json', JSON.stringify(lockOf('1.0.0')))
  scratch.remove('deps/llama.cpp')
})
afterEach(() => scratch[Symbol.dispose]())

const bump = (...args: string[]) => {
  scratch.write('registry.json', JSON.stringify(published))
  const env = { npm_execpath: path.join(scratch.root, 'npm/npm-cli.js') }
  return scratch.run('scripts/llama-bump.mjs', args, env)
}
const lock = () => JSON.parse(scratch.read('deps/llama.lock.json'))
const newHeader = 'int llama_decode(long);\nint llama_else(long);\n'

describe('llama:bump', () => {
  test('writes the lock, fetches, and tests and measures', () => {
    publish('1.1.0', newHeader)
    const { status, stdout } = bump()
    expect(status).toBe(0)
    expect(lock()).toEqual(lockOf('1.1.0'))
    expect(scratch.read('deps/llama.cpp/include/llama.h')).toBe(newHeader)
    expect(stdout).toContain('release-1.0.0 (node-llama-cpp@1.0.0) -> release-1.1.0')
    expect(stdout).toMatch(/stand-in test\n(.*\n)*stand-in bench --quick/)
    expect(stdout).toContain('git checkout -- deps/llama.lock.json && npm run build')
  })

  test('says what changed among the names that native/ uses', () => {
    publish('1.1.0', newHeader)
    const { stdout } = bump('--look')
    expect(stdout).toContain('include/llama.h: +2 -3')
    expect(stdout).toContain('+int llama_decode(long);')
    expect(stdout).not.toContain('llama_else')
    expect(stdout).toContain('the new headers lack: llama_old_name')
    expect(scratch.read('build/llama-release-1.0.0-to-release-1.1.0.diff')).toContain('llama_else')
  })

  test('changes nothing with --look', () => {
    publish('1.1.0', newHeader)
    expect(bump('1.1.0', '--look').stdout).toContain('Nothing was changed')
    expect(lock()).toEqual(lockOf('1.0.0'))
  })

  test('changes the lock and builds nothing for the same commit in another carrier', () => {
    fs.copyFileSync(carrier('1.0.0'), carrier('1.0.1'))
    published.push({ version: '1.0.1', 'dist.integrity': integrityOf('1.0.1') })
    const { status, stdout } = bump('1.0.1')
    expect(status).toBe(0)
    expect(lock()).toEqual({ ...lockOf('1.0.0'), package: 'node-llama-cpp@1.0.1' })
    expect(stdout).not.toContain('stand-in')
  })

  test('takes the newest that runs on our Node, and what is named in any case', () => {
    publish('1.1.0', newHeader, '>=20.0.0')
    publish('2.0.0', `${newHeader}// 2\n`, '>=24.0.0')
    expect(bump().status).toBe(0)
    expect(lock().package).toBe('node-llama-cpp@1.1.0')
    expect(bump('2.0.0').status).toBe(0)
    expect(lock().package).toBe('node-llama-cpp@2.0.0')
  })

  test('leaves the new pin in place where a test fails, and says how to go back', () => {
    publish('1.1.0', newHeader)
    scratch.write('scripts/test.mjs', 'process.exitCode = 1')
    const { status, stdout, stderr } = bump()
    expect(status).toBe(1)
    expect(stderr).toContain('does not pass "test"')
    expect(stderr).toContain('To go back to release-1.0.0: git checkout -- deps/llama.lock.json')
    expect(stdout).not.toContain('stand-in bench')
    expect(lock()).toEqual(lockOf('1.1.0'))
  })

  test('refuses a tarball that is not what the registry says', () => {
    publish('1.1.0', newHeader)
    published = [{ version: '1.1.0', 'dist.integrity': 'sha512-AAAA' }]
    expect(bump('1.1.0').stderr).toMatch(/is not what the registry says:\nsha512-AAAA\nsha512-/)
    expect(lock()).toEqual(lockOf('1.0.0'))
  })

  test('refuses a version that does not exist, and words that it does not know', () => {
    expect(bump('9.9.9').stderr).toContain('has no node-llama-cpp@9.9.9')
    expect(bump('--force').stderr).toContain('not "--force"')
  })
})

const carrier = (version: string) => path.join(scratch.root, `carriers/${version}.tgz`)

function publish(version: string, header: string, node = '>=20.0.0') {
  const folder = path.join(scratch.root, 'made', version)
  const inSource = path.join(folder, 'source')
  scratch.write(`made/${version}/source/include/llama.h`, header)
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', inSource, '-c', 'user.name=t', '-c', 'user.email=t@t', ...args])
  git('init', '--quiet')
  git('add', '.')
  git('commit', '--quiet', '-m', version)
  fs.mkdirSync(path.join(folder, 'package/llama'), { recursive: true })
  git('bundle', 'create', '--quiet', '../package/llama/gitRelease.bundle', 'HEAD')
  scratch.write(
    `made/${version}/package/llama/llama.cpp.info.json`,
    JSON.stringify({ tag: `release-${version}` }),
  )
  fs.mkdirSync(path.dirname(carrier(version)), { recursive: true })
  execFileSync('tar', ['-czf', carrier(version), '-C', folder, 'package'])
  published.push({ version, engines: { node }, 'dist.integrity': integrityOf(version) })
}

function lockOf(version: string) {
  const folder = path.join(scratch.root, 'made', version)
  const bundle = path.join(folder, 'package/llama/gitRelease.bundle')
  const head = ['-C', path.join(folder, 'source'), 'rev-parse', 'HEAD']
  return {
    release: `release-${version}`,
    package: `node-llama-cpp@${version}`,
    integrity: integrityOf(version),
    bundle: 'package/llama/gitRelease.bundle',
    sha256: createHash('sha256').update(fs.readFileSync(bundle)).digest('hex'),
    commit: execFileSync('git', head, { encoding: 'utf8' }).trim(),
  }
}

function integrityOf(version: string) {
  return `sha512-${createHash('sha512')
    .update(fs.readFileSync(carrier(version)))
    .digest('base64')}`
}

const standInForNpm = `
const fs = require('node:fs'), path = require('node:path')
const [verb, spec, ...args] = process.argv.slice(2)
const version = spec.split('@').pop()
if (verb === 'pack') {
  const folder = args[args.indexOf('--pack-destination') + 1]
  fs.copyFileSync(path.join(__dirname, '../carriers', version + '.tgz'), path.join(folder, 'c.tgz'))
} else {
  const all = JSON.parse(fs.readFileSync(path.join(__dirname, '../registry.json'), 'utf8'))
  const found = version.startsWith('>=') ? all : all.filter((one) => one.version === version)
  if (found.length > 0) console.log(JSON.stringify(found.length === 1 ? found[0] : found))
  else {
    console.error('npm error code E404')
    process.exitCode = 1
  }
}
`
