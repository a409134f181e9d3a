import { describe, expect, test } from 'vitest'
import { eventually, settle } from '../../support/eventually.js'
import { serveModels } from '../../support/pool/serve-models.js'
import { post } from '../../support/raw-client.js'
import { closeAfterEach, counting, serve, stepUntil } from '../../support/serve.js'
import { wireCheck } from '../../support/wire/checks.mjs'
import { ask, linesOf, question } from '../../support/wire/ollama.js'

// What a stream of Ollama's does when nothing comes, when something fails, and when nobody reads.

closeAfterEach()

const endless = { script: () => ({ tokens: counting() }) }
const requests: [path: string, body: object, empty: object][] = [
  ['chat', question({ model: 'tales' }), { message: { role: 'assistant', content: '' } }],
  ['generate', { model: 'tales', prompt: 'Hi' }, { response: '' }],
]
function* large(): Generator<string> {
  for (;;) yield 'x'.repeat(20_000)
}

const named = { aliases: ['tales'] }

describe(wireCheck(74), () => {
  test.each(requests)('the lines of /api/%s end with the counts', async (path, body) => {
    const { url } = await serve({ server: named })
    const lines = linesOf(await (await ask(url, path, body)).text())
    expect(lines.at(-1)).toMatchObject({ done: true, done_reason: 'stop', eval_count: 4 })
    expect(lines.filter(({ done }) => done)).toHaveLength(1)
    expect(lines.length).toBeGreaterThan(1)
  })
})

describe(wireCheck(75), () => {
  test.each(requests)(
    'a silent stream of /api/%s carries an empty piece',
    async (path, body, empty) => {
      const server = { ...named, pingMs: 20 }
      const { url, native } = await serve({ pace: 'manual', server })
      const asked = ask(url, path, body)
      await eventually(() => native.submitted.length === 1)
      native.step()
      const reader = ((await asked).body as ReadableStream<Uint8Array>).getReader()
      const first = Buffer.from((await reader.read()).value ?? []).toString()
      expect(linesOf(first)[0]).toEqual({
        model: 'tales',
        created_at: expect.any(String),
        ...empty,
        done: false,
      })
      await reader.cancel()
    },
  )

  test.each(requests)(
    'a stream of /api/%s begins so while its model is loaded',
    async (path, body, empty) => {
      const own = { load: 'estimated', server: { pingMs: 20 } } as const
      const { url, native, isOpening } = await serveModels({ tales: {} }, own)
      const response = await ask(url, path, body)
      expect([response.status, response.headers.get('content-type')]).toEqual([
        200,
        'application/x-ndjson',
      ])
      const reader = (response.body as ReadableStream<Uint8Array>).getReader()
      const read = async () => Buffer.from((await reader.read()).value ?? []).toString()
      expect(linesOf(await read())[0]).toMatchObject({ ...empty, done: false })
      await eventually(() => isOpening('tales'))
      native('tales').ready()
      let rest = ''
      for (let text = await read(); text !== ''; text = await read()) rest += text
      expect(rest).toContain('"Once')
      expect(linesOf(rest).at(-1)).toMatchObject({ done: true, model: 'tales' })
    },
  )

  test('a request that only loads a model waits in the same way', async () => {
    const own = { load: 'estimated', server: { pingMs: 20 } } as const
    const { url, native, isOpening } = await serveModels({ tales: {} }, own)
    const response = await ask(url, 'chat', { model: 'tales' })
    await eventually(() => isOpening('tales'))
    native('tales').ready()
    const lines = linesOf(await response.text())
    expect(lines[0]).toMatchObject({ done: false })
    expect(lines.at(-1)).toMatchObject({ done: true, done_reason: 'load' })
  })
})

describe(wireCheck(76), () => {
  test('an error in mid-stream is the last line, one text and no more', async () => {
    const failure = { code: 'ERR_ENGINE_FAILED', message: 'a decode failed' } as const
    const script = () => ({ tokens: ['a', 'b'], end: failure })
    const { url, log } = await serve({ script })
    const lines = linesOf(await (await ask(url, 'chat', question())).text())
    expect(lines.at(-1)).toEqual({ error: expect.stringContaining('a decode failed') })
    expect(lines.some(({ done }) => done)).toBe(false)
    await eventually(() => log.length === 1)
    expect(log[0]).toMatchObject({ status: 200, outcome: 'failed', code: 'engine_failed' })
  })

  test('a load that fails ends the stream that has begun', async () => {
    const own = { load: 'estimated', server: { pingMs: 20 } } as const
    const { url, native, isOpening } = await serveModels({ tales: {} }, own)
    const response = await ask(url, 'chat', question({ model: 'tales' }))
    await eventually(() => isOpening('tales'))
    native('tales').failLoad({ code: 'ERR_OUT_OF_MEMORY', message: 'no memory' })
    const lines = linesOf(await response.text())
    expect(lines.at(-1)).toEqual({ error: expect.stringContaining('no memory') })
  })

  test('a missing key, a path and a method are told in one text', async () => {
    const { url } = await serve({ server: { apiKeys: ['key'] } })
    const without = await ask(url, 'chat', question())
    expect([without.status, await without.json()]).toEqual([401, { error: expect.any(String) }])
    expect(without.headers.get('www-authenticate')).toBe('Bearer')
    const headers = { authorization: 'Bearer key' }
    const tags = await fetch(`${url}/api/tags`, { headers })
    expect(tags.status).toBe(200)
    for (const [path, status] of [
      ['nowhere', 404],
      ['chat', 405],
    ] as const) {
      const response = await fetch(`${url}/api/${path}`, { headers })
      expect([path, response.status]).toEqual([path, status])
      expect(await response.json()).toEqual({ error: expect.any(String) })
    }
  })
})

describe('a reader of Ollama’s lines', () => {
  test('that leaves frees its slot', async () => {
    const { native, client, log } = await serve({ pace: 'manual', ...endless })
    const raw = await client()
    raw.send(post('/api/chat', question()))
    await stepUntil(native, () => raw.text.includes('"0 "'))
    raw.reset()
    await eventually(() => native.cancelled.length > 0)
    await stepUntil(native, () => log.length === 1)
    expect(log[0]?.outcome).toBe('gone')
    expect(native.stats()).toMatchObject({ running: 0, parked: 0, cancelled: 1 })
  })

  test('that stalls has its reply parked, and no more made', async () => {
    const script = () => ({ tokens: large() })
    const { native, client } = await serve({ pace: 'manual', script, engine: { window: 4 } })
    const raw = await client({ reads: false })
    raw.send(post('/api/generate', { model: 'fake', prompt: 'Hi' }))
    await stepUntil(native, () => native.stats().parked === 1)
    const { tokensGenerated } = native.stats()
    native.step(100)
    await settle()
    expect(native.stats().tokensGenerated).toBeLessThanOrEqual(tokensGenerated + 4)
    expect(native.stats().parked).toBe(1)
  })
})
