import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import { openLog } from '../../src/cli/log.js'
import { openModels } from '../../src/cli/serve/open-models.js'
import { pullModels } from '../../src/cli/serve/pull-models.js'
import { serveFlags } from '../../src/options/command-flags.js'
import { settleFlags } from '../../src/options/flags.js'
import { type Models, models } from '../../src/pool/models.js'
import { FakeAddon } from '../support/fake-binding.js'
import { LoopbackHub } from '../support/hub/loopback-hub.js'

// Models of the Hub among several: `serve` pulls them first, and models() takes the cache's alone.

const repo = 'ada/lovelace-GGUF'
const name = `hf:${repo}:Q8_0`
const small = `hf:${repo}/small-Q4_0.gguf`
const unaborted = new AbortController().signal

let hub: LoopbackHub
let cache: string
let addon: FakeAddon
let written: string
const pools: Models[] = []

beforeAll(async () => {
  hub = await LoopbackHub.start()
  const files = { 'lovelace-Q8_0.gguf': Buffer.alloc(3000), 'small-Q4_0.gguf': Buffer.alloc(200) }
  hub.put(repo, files)
})
afterAll(() => hub.close())
beforeEach(() => {
  cache = mkdtempSync(path.join(tmpdir(), 'sluice-open-'))
  vi.stubEnv('HF_ENDPOINT', hub.endpoint)
  vi.stubEnv('HF_HUB_CACHE', cache)
  vi.stubEnv('HF_TOKEN', '')
  hub.requests.length = 0
  addon = new FakeAddon()
  useBinding(addon)
  written = ''
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written += text
    return true
  })
})
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close()
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  useBinding(undefined)
  rmSync(cache, { recursive: true, force: true })
})

async function opened(given: Record<string, unknown>) {
  const log = await openLog('text', 'silent')
  const { pool, begin } = await openModels(settleFlags(serveFlags, given, {}), log, unaborted)
  pools.push(pool)
  return { pool, begin }
}

const inSnapshot = (file: string) => expect.stringMatching(new RegExp(`snapshots.*${file}$`))

describe('models of the Hub that are served', () => {
  test('are pulled before, each once, drafts too, and that is told', async () => {
    const { pool } = await opened({ model: [`chat=${name}`, `again=${name}`], draft: small })
    expect(hub.fetches.map((one) => one.path)).toHaveLength(2)
    expect(written).toMatch(/pulling hf:ada\/lovelace-GGUF:Q8_0, 3 kB/)
    await pool.load('chat')
    const { options } = addon.engine
    expect(options).toMatchObject({ model: inSnapshot('lovelace-Q8_0.gguf') })
    expect(options).toMatchObject({ draft: inSnapshot('small-Q4_0.gguf') })
  })

  test('are pulled where one alone may be unloaded', async () => {
    const { pool } = await opened({ model: [name], idleUnload: '600' })
    expect(hub.fetches).toHaveLength(1)
    await pool.load(pool.default)
    expect(addon.engine.options.model).toEqual(inSnapshot('lovelace-Q8_0.gguf'))
  })

  test('are refused where the Hub does not have them', async () => {
    const opening = opened({ model: ['a=a.gguf', `b=hf:${repo}:Q2_K`] })
    await expect(opening).rejects.toMatchObject({ reason: 'quant-not-found' })
  })

  test('are not looked for where another option is wrong', async () => {
    const opening = opened({ model: [`a=${name}`, 'b=hf:misspelt'] })
    await expect(opening).rejects.toThrow(/'models\.b\.model'.*hf:OWNER\/REPO/)
    expect(hub.requests).toEqual([])
  })

  test('are those that the cache has when they are loaded', async () => {
    const { pool } = await opened({ model: [`chat=${name}`], idleUnload: '600' })
    await pool.load('chat')
    const before = addon.engine.options.model
    await pool.unload('chat')
    const moved = path.join(path.dirname(path.dirname(`${before}`)), 'a'.repeat(40))
    renameSync(path.dirname(`${before}`), moved)
    writeFileSync(path.join(moved, '../../refs/main'), 'a'.repeat(40))
    await pool.load('chat')
    expect(addon.engine.options.model).toBe(path.join(moved, path.basename(`${before}`)))
  })

  test('are given up by a signal', async () => {
    const pulling = pullModels({ a: { model: name } }, AbortSignal.abort())
    await expect(pulling).rejects.toMatchObject({ code: 'ERR_CANCELLED' })
  })
})

describe('models of the Hub in a program', () => {
  function made() {
    const pool = models({ models: { chat: { model: name } }, onEvent: () => undefined })
    pools.push(pool)
    return pool
  }

  test('are those of the cache, and the error says how to pull', async () => {
    await expect(made().load('chat')).rejects.toMatchObject({
      code: 'ERR_PULL_FAILED',
      reason: 'not-cached',
      message: expect.stringContaining(`npx sluice pull ${name}`),
    })
    expect(hub.requests).toEqual([])
  })

  test('are not pulled again where the cache has lost them', async () => {
    await pullModels({ a: { model: name } }, unaborted)
    const asked = hub.requests.length
    const pool = made()
    await pool.load('chat')
    await pool.unload('chat')
    rmSync(cache, { recursive: true })
    await expect(pool.load('chat')).rejects.toMatchObject({ reason: 'not-cached' })
    expect(hub.requests).toHaveLength(asked)
  })
})
