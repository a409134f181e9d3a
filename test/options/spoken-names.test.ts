import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { flagOf } from '../../src/cli/flags/flag-names.js'
import { errorOf, inOwnNames } from '../../src/engine/native-errors.js'
import { modelNotFound } from '../../src/host/names.js'
import { checkHost } from '../../src/http/door/origin.js'
import { runFlags, serveFlags } from '../../src/options/command-flags.js'
import { flagName } from '../../src/options/flags.js'
import { nameOptionsBy } from '../../src/options/spoken-names.js'
import { noTools } from '../../src/options/tools/tools.js'

// A message names an option as its reader can set it: by its name in a program, and by its flag on
// the command line.

afterEach(() => nameOptionsBy((option) => option))

const native =
  'the chat template goes deep; load it with another one (chatTemplate, --chat-template-file)'

function messageOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('nothing was thrown')
}

const messages: [say: () => string, option: string, flag: string][] = [
  [noTools, '(chatTemplate)', '(--chat-template-file)'],
  [noTools, 'toolsFallback', '--tools-fallback'],
  [() => modelNotFound('a', ['b']).message, '(anyModel)', '(--any-model)'],
  [
    () =>
      messageOf(() =>
        checkHost(
          'a.example',
          { allowHosts: [] },
          { localAddress: '127.0.0.1', remoteAddress: undefined },
        ),
      ),
    '(allowHosts)',
    '(--allow-host)',
  ],
  [
    () => errorOf({ code: 'ERR_INVALID_REQUEST', message: native }).message,
    '(chatTemplate)',
    '(--chat-template-file)',
  ],
  [
    () =>
      inOwnNames({ warnings: [{ code: 'WARN_CHAT_TEMPLATE', message: native }] }).warnings[0]
        ?.message ?? '',
    '(chatTemplate)',
    '(--chat-template-file)',
  ],
]

test.each(messages)('%s names its option in a program, its flag on the command line', (...row) => {
  const [say, option, flag] = row
  expect(say()).toContain(option)
  expect(say()).not.toContain('--')
  nameOptionsBy(flagOf)
  expect(say()).toContain(flag)
  expect(say()).not.toContain(option)
})

test('no text of src names a flag, but where only the command line has it', () => {
  const flags = new Set(Object.keys({ ...runFlags, ...serveFlags }).map(flagName))
  const files = (readdirSync('src', { recursive: true }) as string[]).filter((name) => {
    return name.endsWith('.ts') && !name.startsWith('cli/')
  })
  const said = files.flatMap((name) => {
    const code = readFileSync(path.join('src', name), 'utf8')
    const text = code.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
    return [...text.matchAll(/--[a-z][a-z-]+/g)]
      .filter(([flag]) => flags.has(flag))
      .map(([flag]) => `${name}: ${flag}`)
  })
  expect(files.length).toBeGreaterThan(100)
  expect(said.sort()).toEqual([
    'options/api-keys.ts: --api-key-file', // read for the command line alone
    'options/spoken-names.ts: --chat-template-file', // and takes it out
  ])
})
