import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { HangUps } from '../../src/cli/serve/hang-ups.js'
import { reload } from '../../src/cli/serve/reload.js'

const folder = mkdtempSync(join(tmpdir(), 'sluice-reload-'))
afterAll(() => rmSync(folder, { recursive: true }))

const keys = join(folder, 'keys')
const cert = join(folder, 'cert.pem')
const key = join(folder, 'key.pem')

/** What a reload takes, says and tells, in order. */
function reloaded(files: object, refuses = false) {
  const heard: unknown[] = []
  const server = {
    reload: (options: object) => {
      if (refuses) throw new TypeError('SECRET')
      heard.push(options)
    },
  }
  const log = { life: (event: string, facts: object) => void heard.push({ event, ...facts }) }
  const manager = {
    reloading: () => void heard.push('RELOADING'),
    reloaded: () => void heard.push('READY'),
  }
  reload(files as never, { server, log: log as never, manager })
  return heard
}

const before = process.listeners('SIGHUP')
afterEach(() => {
  for (const one of process.listeners('SIGHUP')) {
    if (!before.includes(one)) process.off('SIGHUP', one)
  }
})

test.each([
  ['a file', { apiKeyFile: keys }, false, true],
  ['no file, and a service manager', {}, true, true],
  ['neither', {}, false, false],
])('the signal is waited for where there is %s', (_what, files, isThere, isWaitedFor) => {
  new HangUps(files as never, isThere)
  expect(process.listenerCount('SIGHUP') > before.length).toBe(isWaitedFor)
})

test('signals that come while it starts are heard together, and each of those after them', () => {
  const hangUps = new HangUps({ apiKeyFile: keys }, false)
  let heard = 0
  process.emit('SIGHUP')
  process.emit('SIGHUP')
  hangUps.listen(() => {
    heard += 1
  })
  expect(heard).toBe(1)
  process.emit('SIGHUP')
  expect(heard).toBe(2)
})

test('each file that was given is read and taken by itself', () => {
  writeFileSync(keys, 'k-1 name=one\n')
  writeFileSync(cert, 'CERT')
  writeFileSync(key, 'KEY')
  expect(reloaded({ apiKeyFile: keys, tlsCert: cert, tlsKey: key })).toEqual([
    'RELOADING',
    { apiKeys: [{ key: 'k-1', name: 'one' }] },
    { event: 'reloaded', file: keys },
    { tls: { cert: 'CERT', key: 'KEY' } },
    { event: 'reloaded', file: cert },
    'READY',
  ])
})

test('a file that is broken is told and not taken; the other one is', () => {
  writeFileSync(keys, '# none any more\n')
  expect(reloaded({ apiKeyFile: keys, tlsCert: cert, tlsKey: key })).toEqual([
    'RELOADING',
    { event: 'reload_failed', file: keys, error: expect.stringContaining('expected a key in') },
    { tls: { cert: 'CERT', key: 'KEY' } },
    { event: 'reloaded', file: cert },
    'READY',
  ])
})

test('of what is no error of ours the message is not told', () => {
  writeFileSync(keys, 'k-1\n')
  expect(reloaded({ apiKeyFile: keys }, true)).toEqual([
    'RELOADING',
    { event: 'reload_failed', file: keys, error: 'TypeError' },
    'READY',
  ])
})
