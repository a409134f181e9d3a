import { expect, test } from 'vitest'
import { bodyDepthMax } from '../../src/web/json.js'
import { cpuMsOf } from '../support/processor/cpu-time.js'
import { post, request } from '../support/raw-client.js'
import { chat, chatPath, closeAfterEach, type Served, serve, story } from '../support/serve.js'
import { textOf } from '../support/sse.js'
import { answers } from '../support/wire/routes.js'

// Bodies that are meant to hurt: each is refused within a second, and the server goes on.

closeAfterEach()

const bodyBytesMax = 2 ** 20

const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
const withRaw = (field: string, json: string) => {
  return JSON.stringify(story({ [field]: '@' })).replace('"@"', () => json)
}

const bodies: [what: string, body: () => string, status: number][] = [
  ['5 million deep', () => deep(2_500_000), 413],
  ['5 million deep, in a field', () => withRaw('metadata', deep(2_500_000)), 413],
  ['one level too deep', () => withRaw('metadata', deep(bodyDepthMax)), 400],
  ['half a million deep, and within the size', () => withRaw('user', deep(500_000)), 400],
  ['half a million brackets that never close', () => '['.repeat(1_000_000), 400],
  ['30 MB', () => withRaw('user', JSON.stringify('x'.repeat(30_000_000))), 413],
  ['a million numbers', () => withRaw('stop', `[${'1,'.repeat(500_000)}1]`), 400],
  ['n: 1e9', () => withRaw('n', '1e9'), 400],
  ['n: 1e400', () => withRaw('n', '1e400'), 400],
  ['temperature: 1e400', () => withRaw('temperature', '1e400'), 400],
  ['temperature: -1e400', () => withRaw('temperature', '-1e400'), 400],
  ['temperature: NaN', () => withRaw('temperature', 'NaN'), 400],
  ['temperature: Infinity', () => withRaw('temperature', '-Infinity'), 400],
  ['temperature: "NaN"', () => withRaw('temperature', '"NaN"'), 400],
  ['temperature: a number of 100,000 digits', () => withRaw('temperature', '9'.repeat(1e5)), 400],
  ['max_tokens: 1e308', () => withRaw('max_tokens', '1e308'), 400],
  ['max_tokens: 0.1', () => withRaw('max_tokens', '0.1'), 400],
  ['seed: 1e300', () => withRaw('seed', '1e300'), 400],
  ['top_k: 2^53', () => withRaw('top_k', '9007199254740993'), 400],
  ['a __proto__ in the place of its fields', () => '{"__proto__": {"model": "default"}}', 400],
  ['a __proto__ with a logit_bias', () => withRaw('logit_bias', '{"__proto__": {"1": 1}}'), 400],
  ['a constructor as a logit_bias', () => withRaw('logit_bias', '{"constructor": 1}'), 400],
  ['the last of two keys that says too much', () => '{"n": 1, "n": 5000000000}', 400],
  [
    'a lone half of a surrogate pair as a role',
    () => withRaw('messages', '[{"role":"\\ud800"}]'),
    400,
  ],
  ['half an escape', () => withRaw('user', '"\\u12"'), 400],
  ['a NUL', () => `${JSON.stringify(story())}\0`, 400],
  ['nothing but blanks', () => ' '.repeat(1_000_000), 400],
]

async function lives({ url, native }: Served): Promise<void> {
  expect(native.submitted).toEqual([])
  expect(textOf(await (await chat(url, story())).text())).toBe('Once upon a time.')
  expect(Object.prototype).not.toHaveProperty('n')
}

test.each(bodies)('a body with %s is refused within a second of work', async (_, make, status) => {
  const served = await serve({ server: { bodyBytesMax } })
  const body = make()
  const cpuMs = await cpuMsOf(async () => {
    expect((await chat(served.url, body)).status).toBe(status)
  })
  expect(cpuMs).toBeLessThan(1000)
  await lives(served)
})

/** They are refused before their bodies are read: see test/http/ollama/changes.test.ts. */
const unread = ['POST /api/create', 'POST /api/push', 'POST /api/blobs/{id}']
const endpoints = Object.keys(answers).filter((endpoint) => {
  return endpoint.startsWith('POST ') && !unread.includes(endpoint)
})
const anywhere: [body: string, status: number][] = [
  [deep(2_500_000), 413],
  [deep(400_000), 400],
  [JSON.stringify({ input: 'x'.repeat(30_000_000) }), 413],
  ['{"a": {"__proto__": {}}}', 400],
  [`{"model": ${'9'.repeat(400)}}`, 400],
  [`{"input": [${'[],'.repeat(200_000)}[]], "prompt": [${'[],'.repeat(100_000)}[]]}`, 400],
  ['[]', 400],
  ['null', 400],
  ['', 400],
]

test.each(endpoints)('%s refuses hostile bodies too', async (endpoint) => {
  const served = await serve({ server: { bodyBytesMax } })
  for (const [body, status] of anywhere) {
    const headers = { 'content-type': 'application/json' }
    const url = `${served.url}${endpoint.slice('POST '.length)}`
    let given = 0
    const cpuMs = await cpuMsOf(async () => {
      given = (await fetch(url, { method: 'POST', body, headers })).status
    })
    // TypeSafe has a status of its own for a field that is wrong.
    const isTheirs =
      (endpoint === 'POST /v1/systemone' && given === 422) ||
      (endpoint === 'POST /props' && given === 501) // whatever it says
    const refused = isTheirs ? 400 : given
    const isNothing = endpoint === 'POST /lora-adapters' && body === '[]' // no adapters
    expect([body.slice(0, 40), refused]).toEqual([body.slice(0, 40), isNothing ? 200 : status])
    expect(cpuMs).toBeLessThan(1000)
  }
  await lives(served)
})

test('a deep body is refused within a second of work where larger ones are let in', async () => {
  const served = await serve({ server: { bodyBytesMax: 64 * 1024 * 1024 } })
  for (const body of [deep(5_000_000), withRaw('user', JSON.stringify('x'.repeat(30_000_000)))]) {
    const isDeep = body.startsWith('[')
    const cpuMs = await cpuMsOf(async () => {
      const response = await chat(served.url, body)
      expect(response.status).toBe(isDeep ? 400 : 200)
      await response.text()
    })
    if (isDeep) expect(cpuMs).toBeLessThan(1000)
  }
})

test('a client that announces 34 MB and sends none of them is told at once', async () => {
  const served = await serve()
  const raw = await served.client()
  raw.send(post(chatPath, '').replace('\r\n\r\n', '\r\ncontent-length: 34000000\r\n\r\n'))
  await raw.seen('body_too_large')
  expect(raw.status).toBe(413)
  await lives(served)
})

test('the last of two equal keys counts, as everywhere else', async () => {
  const { url, native } = await serve()
  const body = JSON.stringify(story({ stream: false })).replace('{', '{"model": "no such",')
  expect((await chat(url, body)).status).toBe(200)
  expect(native.submitted).toHaveLength(1)
})

test('a request with two lengths, or a length and chunks, is none', async () => {
  const served = await serve()
  for (const headers of ['content-length: 5\r\n', 'transfer-encoding: chunked\r\n']) {
    const raw = await served.client()
    raw.send(request('POST', chatPath, '{}').replace('\r\n\r\n', `\r\n${headers}\r\n`))
    await raw.closed()
    expect(raw.status).toBe(400)
  }
  await lives(served)
})
