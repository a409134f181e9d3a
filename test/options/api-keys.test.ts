import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readApiKeys } from '../../src/options/api-keys.js'

const folder = mkdtempSync(join(tmpdir(), 'sluice-keys-'))
afterAll(() => rmSync(folder, { recursive: true }))

function keyFile(content: string): string {
  const path = join(folder, 'keys')
  writeFileSync(path, content)
  return path
}

test('a key file holds a key a line, between blank lines, # comments and carriage returns', () => {
  const file = keyFile('# ours\nkey-one\r\n\n  key-two  \n#key-three\n')
  expect(readApiKeys(file, {})).toEqual([{ key: 'key-one' }, { key: 'key-two' }])
})

test('behind a key stand its name and its limits, in any order', () => {
  const file = keyFile('k-1 requests=2 name=alice\nk-2\ttokens-per-minute=6000   queue=4\n')
  expect(readApiKeys(file, {})).toEqual([
    { key: 'k-1', requests: 2, name: 'alice' },
    { key: 'k-2', tokensPerMinute: 6000, queue: 4 },
  ])
})

test.each([
  ['requests=0', /line 2, requests': expected a whole number from 1 .*, but got 0/],
  ['requests=', /line 2, requests': expected a whole number from 1 .*, but got NaN/],
  ['queue=4.5', /line 2, queue': .*, but got 4.5/],
  ['tokens-per-minute=many', /line 2, tokens-per-minute': /],
  ['name=', /line 2, name': expected a name of 1 to 64/],
  ['name=a,b', /line 2, name': expected a name/],
])('%s behind a key is refused, and where', (setting, message) => {
  expect(() => readApiKeys(keyFile(`k-1\nk-2 ${setting}\n`), {})).toThrow(message)
})

test('what else stands behind a key is refused and not repeated: it may be another key', () => {
  for (const rest of ['k-3', 'k-3=1', 'tokens=5', 'name']) {
    expect(() => readApiKeys(keyFile(`k-1\nk-2 ${rest}\n`), {})).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(/behind it name=, requests=.* something else \(line 2\)/),
        option: '--api-key-file',
      }),
    )
  }
})

test('SLUICE_API_KEY is a key of its own, beside a file or alone', () => {
  expect(readApiKeys(undefined, { SLUICE_API_KEY: 'own' })).toEqual([{ key: 'own' }])
  expect(readApiKeys(keyFile('one'), { SLUICE_API_KEY: 'own' })).toEqual([
    { key: 'one' },
    { key: 'own' },
  ])
  expect(readApiKeys(undefined, { SLUICE_API_KEY: '' })).toEqual([])
})

test('no key and no file are no key', () => {
  expect(readApiKeys(undefined, {})).toEqual([])
})

test('a file without a key does not open the server', () => {
  expect(() => readApiKeys(keyFile('# nothing yet\n'), {})).toThrow('expected a key in')
})

test('a file that is not there is named, with the reason', () => {
  expect(() => readApiKeys(join(folder, 'none'), {})).toThrow(/but got \S+none \(ENOENT/)
})

test('a key that no header carries is refused by its line, and not repeated', () => {
  const file = keyFile('good\nsecret schlüssel\n')
  expect(() => readApiKeys(file, {})).toThrow(
    expect.objectContaining({
      message: expect.not.stringContaining('schl'),
      option: '--api-key-file',
    }),
  )
  expect(() => readApiKeys(file, {})).toThrow('line 2')
})
