import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ScratchCheckout } from '../support/packages/scratch-checkout.js'

// Real tarballs and the real script; npm is a stand-in that notes how it was called.

let scratch: ScratchCheckout
beforeEach(() => {
  scratch = new ScratchCheckout()
  for (const name of ['tar', 'gzip']) {
    const real = execFileSync('which', [name], { encoding: 'utf8' }).trim()
    scratch.tool(name, `PATH=/usr/bin:/bin exec ${real} "$@"`)
  }
  scratch.write('npm/package.json', '{}') // CommonJS, other than the checkout
  scratch.write('npm/npm-cli.js', standInForNpm)
})
afterEach(() => scratch[Symbol.dispose]())

const publish = (...args: string[]) => {
  const env = { npm_execpath: path.join(scratch.root, 'npm/npm-cli.js') }
  return scratch.run('scripts/publish-packages.mjs', ['release', ...args], env)
}

function pack(name: string, version: string, more = {}) {
  const file = name.replace(/\W/g, '-')
  scratch.write(`made/${file}/package/package.json`, JSON.stringify({ name, version, ...more }))
  fs.mkdirSync(path.join(scratch.root, 'release'), { recursive: true })
  const folder = path.join(scratch.root, 'made', file)
  const target = path.join(scratch.root, 'release', `${file}.tgz`)
  execFileSync('tar', ['-czf', target, '-C', folder, 'package'])
}

const linux = { '@sluice/linux-x64': '1.0.0' }

describe('publish:packages', () => {
  test('publishes the platforms first and sluice last, with provenance', () => {
    const peerDependencies = { '@sluice/linux-x64-cuda': '1.0.0' }
    pack('sluice', '1.0.0', { optionalDependencies: linux, peerDependencies })
    pack('@sluice/linux-x64', '1.0.0')
    pack('@sluice/linux-x64-cuda', '1.0.0')
    expect(publish('--tag', 'v1.0.0').status).toBe(0)
    const calls = scratch.takeCalls().filter((call) => call.startsWith('publish'))
    expect(calls.map((call) => /[^/]+\.tgz/.exec(call)?.[0])).toEqual([
      '-sluice-linux-x64-cuda.tgz',
      '-sluice-linux-x64.tgz',
      'sluice.tgz',
    ])
    for (const call of calls) expect(call).toContain('--access public --provenance')
  })

  test('passes over what is published already', () => {
    pack('sluice', '1.0.0', { optionalDependencies: linux })
    pack('@sluice/linux-x64', '1.0.0')
    scratch.write('published', '@sluice/linux-x64@1.0.0')
    expect(publish().stdout).toContain('@sluice/linux-x64@1.0.0 is published already')
    expect(scratch.takeCalls().filter((call) => call.startsWith('publish'))).toHaveLength(1)
  })

  test('publishes nothing in a dry run', () => {
    pack('sluice', '1.0.0')
    expect(publish('--dry-run').stdout).toContain('would be published')
    expect(scratch.takeCalls().at(-1)).toContain('--dry-run')
  })

  test.each([
    ['no main package', () => pack('@sluice/linux-x64', '1.0.0'), 'no tarball of sluice'],
    ['another tag', () => pack('sluice', '1.0.1'), 'The tag is v1.0.0'],
    [
      'a platform of another version',
      () => {
        pack('sluice', '1.0.0')
        pack('@sluice/linux-x64', '0.9.0')
      },
      '@sluice/linux-x64 is 0.9.0',
    ],
    [
      'a range in place of the version',
      () => pack('sluice', '1.0.0', { optionalDependencies: { '@sluice/linux-x64': '^1.0.0' } }),
      'asks for @sluice/linux-x64@^1.0.0',
    ],
    [
      'a missing backend',
      () => pack('sluice', '1.0.0', { peerDependencies: { '@sluice/linux-x64-cuda': '1.0.0' } }),
      '@sluice/linux-x64-cuda is missing',
    ],
    [
      'a missing platform',
      () => pack('sluice', '1.0.0', { optionalDependencies: linux }),
      '@sluice/linux-x64 is missing',
    ],
  ])('refuses %s, and publishes nothing', (_, make, message) => {
    make()
    const { status, stderr } = publish('--tag', 'v1.0.0')
    expect(status).toBe(1)
    expect(stderr).toContain(message)
    expect(scratch.takeCalls()).toEqual([])
  })
})

const standInForNpm = `
const fs = require('node:fs'), path = require('node:path')
const args = process.argv.slice(2), root = path.join(__dirname, '..')
fs.appendFileSync(path.join(root, 'calls.log'), args.join(' ') + '\\n')
if (args[0] === 'view') {
  const known = path.join(root, 'published')
  const has = fs.existsSync(known) && fs.readFileSync(known, 'utf8').includes(args[1])
  if (has) console.log(args[1].split('@').pop())
  else process.exitCode = 1
}
`
