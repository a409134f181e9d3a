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
  expect(readApiKeys(file, {})).toEqual(['key-one', 'key-two'])
})

test('SLUICE_API_KEY is a key of its own, beside a file or alone', () => {
  expect(readApiKeys(undefined, { SLUICE_API_KEY: 'own' })).toEqual(['own'])
  expect(readApiKeys(keyFile('one'), { SLUICE_API_KEY: 'own' })).toEqual(['one', 'own'])
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
