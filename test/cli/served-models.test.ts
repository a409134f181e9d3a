import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { servedModels, wantedModels } from '../../src/cli/serve/served-models.js'
import { serveFlags } from '../../src/options/command-flags.js'
import { settleFlags } from '../../src/options/flags.js'

const folder = mkdtempSync(join(tmpdir(), 'sluice-served-'))
afterAll(() => rmSync(folder, { recursive: true }))

const flags = (given: Record<string, unknown>) => settleFlags(serveFlags, given, {})

const config = join(folder, 'models.json')
writeFileSync(config, JSON.stringify({ idleUnload: 600, models: { a: { file: 'a.gguf' } } }))

describe('what is to be served', () => {
  test.each([
    [{ model: ['a.gguf'] }, 'one'],
    [{}, 'one'],
    [{ model: ['a.gguf'], idleUnload: '0' }, 'one'],
    [{ model: ['a.gguf'], idleUnload: '1' }, 'several'],
    [{ model: ['a.gguf'], memoryMib: '4096' }, 'several'],
    [{ memoryMib: '4096' }, 'several'],
    [{ model: ['a=a.gguf'] }, 'several'],
    [{ config }, 'several'],
  ])('%j is %s', (given, kind) => {
    expect(wantedModels(flags(given)).kind).toBe(kind)
  })
})

test('a file alone with --memory-mib is loaded at the start, within that', async () => {
  const { options, atStart } = await servedModels(flags({ model: ['a.gguf'], memoryMib: '4096' }))
  expect(options).toMatchObject({ memoryMiB: 4096, default: 'a', idleUnloadMs: 0 })
  expect(atStart).toEqual(['a'])
})

test('a name that objects have already is a name too', async () => {
  const model = ['a=a.gguf', '__proto__=b.gguf', 'constructor=c.gguf']
  const { options } = await servedModels(flags({ model }))
  expect(Object.keys(options.models)).toEqual(['a', '__proto__', 'constructor'])
})

test.each([
  [{ config }, 600_000],
  [{ config, idleUnload: '0' }, 0],
  [{ config, idleUnload: '5' }, 5000],
])('the flag counts more than the file, also where it is 0: %j', async (given, idleUnloadMs) => {
  expect((await servedModels(flags(given))).options.idleUnloadMs).toBe(idleUnloadMs)
})

test.each([
  [{ model: ['chat=a.gguf', '7=b.gguf'] }, 'chat'],
  [{ model: ['a.gguf', '7=b.gguf'] }, 'a'],
  [{ model: ['7=b.gguf', 'chat=a.gguf'] }, '7'],
])('the default is the model of the first flag: %j', async (given, name) => {
  expect((await servedModels(flags(given))).options.default).toBe(name)
})

test('adapters of the flags belong to the one model, and to none of several', async () => {
  const lora = ['red=red.gguf@0.5']
  const one = { model: ['a.gguf'], memoryMib: '4096', lora }
  const { options } = await servedModels(flags(one))
  expect(options.models.a?.lora).toEqual({ red: { file: 'red.gguf', scale: 0.5 } })
  expect(options.added).not.toHaveProperty('lora') // a model that is pulled has none of them
  const several = flags({ model: ['a=a.gguf', 'b=b.gguf'], lora })
  await expect(servedModels(several)).rejects.toThrow(/'--lora': expected one model alone/)
})
