import { readFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import { examine } from '../../src/cli/doctor/examine.js'
import { estimate, type LoadWarningCode } from '../../src/index.js'
import { doctorFlags, serveFlags } from '../../src/options/command-flags.js'
import { loadChecks } from '../../src/options/engine-options.js'
import { flagName } from '../../src/options/flags.js'
import { FakeAddon } from '../support/fake-binding.js'

// docs/devices.md is held against the code: options, warnings, and the fields that are promised.

const text = readFileSync(new URL('../../docs/devices.md', import.meta.url), 'utf8')
/** The first cells of the table whose head begins with a word; each may name several things. */
function names(head: string): string[] {
  const [, table = ''] = text.split(`\n| ${head} |`)
  const rows = table.split('\n\n')[0]?.split('\n').slice(2) ?? []
  return rows.flatMap((row) => row.split('|')[1]?.match(/\w+/g) ?? [])
}
/** Cells of the same table, a row each. */
const second = (head: string, key: string) =>
  new RegExp(`^\\| \`${key}\` \\| \`(--[a-z-]+)`, 'm').exec(
    text.split(`\n| ${head} |`)[1] ?? '',
  )?.[1]

afterEach(() => useBinding(undefined))

test('each option is one of load, and has its flag', () => {
  for (const key of names('option')) {
    expect(loadChecks).toHaveProperty(key)
    if (key === 'onWarning') continue
    expect([key, second('option', key)]).toEqual([key, flagName(key)])
    expect(serveFlags).toHaveProperty(key)
    expect(doctorFlags).toHaveProperty(key)
  }
  expect(names('option')).toHaveLength(9)
})

test('each warning has its line', () => {
  const codes: Record<LoadWarningCode, true> = {
    WARN_GPU_MISSING: true,
    WARN_GPU_FAILED: true,
    WARN_GPU_PARTIAL: true,
    WARN_GPU_MEMORY: true,
    WARN_CONTEXT_REDUCED: true,
    WARN_CONTEXT_BEYOND_TRAINED: true,
    WARN_CHAT_TEMPLATE: true,
    WARN_SMALL_STACK: true,
    WARN_TRUSTED_NETWORK: true,
    WARN_CACHE_DIR: true,
  }
  expect(names('code').sort()).toEqual(Object.keys(codes).sort())
})

test('each field of an estimate and of doctor’s report has its line', async () => {
  useBinding(new FakeAddon())
  const fields = [...text.matchAll(/\n\| field \| is \|\n.*\n((?:\|.*\n)+)/g)].map(
    ([, rows = '']) => rows.split('\n').flatMap((row) => row.split('|')[1]?.match(/\w+/g) ?? []),
  )
  expect(fields[0]?.sort()).toEqual(Object.keys(await estimate('a.gguf')).sort())
  expect(fields[1]?.sort()).toEqual(Object.keys(await examine(undefined, {})).sort())
})
