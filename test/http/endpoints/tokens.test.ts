import { expect, test } from 'vitest'
import type { ErrorBody } from '../../../src/apis/openai/errors.js'
import { eventually, settle } from '../../support/eventually.js'
import { closeAfterEach, postJson, serve } from '../../support/serve.js'

// POST /tokenize, /detokenize and /apply-template, in llama-server's shapes. The fake engine's
// tokens are code points, and it knows 512 of them.

closeAfterEach()

test('a text becomes its tokens, and with_pieces what each of them writes', async () => {
  const { url } = await serve()
  const plain = await postJson(url, '/tokenize', { content: 'aé' })
  expect(await plain.json()).toEqual({ tokens: [97, 233] })
  const pieces = await postJson(url, '/tokenize', { content: 'aé', with_pieces: true })
  expect(await pieces.json()).toEqual({
    tokens: [
      { id: 97, piece: 'a' },
      { id: 233, piece: 'é' },
    ],
  })
})

test('special tokens in a text are read, and none are added, unless asked otherwise', async () => {
  const { url, native } = await serve()
  for (const flags of [{}, { add_special: null }, { add_special: true, parse_special: false }]) {
    expect((await postJson(url, '/tokenize', { content: '', ...flags })).status).toBe(200)
  }
  expect(native.tokenized).toEqual([
    { text: '', addSpecial: false, parseSpecial: true },
    { text: '', addSpecial: false, parseSpecial: true },
    { text: '', addSpecial: true, parseSpecial: false },
  ])
})

test('tokens become their text, and messages the prompt that a chat computes', async () => {
  const { url } = await serve()
  const text = await postJson(url, '/detokenize', { tokens: [97, 233] })
  expect(await text.json()).toEqual({ content: 'aé' })
  const none = await postJson(url, '/detokenize', { tokens: [] })
  expect(await none.json()).toEqual({ content: '' })
  const messages = [
    { role: 'developer', content: 'Be brief.' },
    { role: 'user', content: [{ type: 'text', text: 'hi' }] },
  ]
  const prompt = await postJson(url, '/apply-template', { messages })
  expect(await prompt.json()).toEqual({ prompt: '<system>Be brief.<user>hi' })
})

const user = { role: 'user', content: 'hi' }

test.each([
  ['/tokenize', {}, 'content'],
  ['/tokenize', { content: 7 }, 'content'],
  ['/tokenize', { content: null }, 'content'],
  ['/tokenize', { content: ['a', 1] }, 'content'],
  ['/tokenize', { content: 'a', add_special: 'yes' }, 'add_special'],
  ['/tokenize', { content: 'a', parse_special: 1 }, 'parse_special'],
  ['/tokenize', { content: 'a', with_pieces: [] }, 'with_pieces'],
  ['/tokenize', { content: 'a', model: 7 }, 'model'],
  ['/tokenize', [], null],
  ['/detokenize', {}, 'tokens'],
  ['/detokenize', { tokens: 'a' }, 'tokens'],
  ['/detokenize', { tokens: 1 }, 'tokens'],
  ['/detokenize', { tokens: [1, 1.5] }, 'tokens[1]'],
  ['/detokenize', { tokens: [-1] }, 'tokens[0]'],
  ['/detokenize', { tokens: [1, 2, 'a'] }, 'tokens[2]'],
  ['/detokenize', { tokens: [2 ** 31] }, 'tokens[0]'],
  ['/detokenize', { tokens: [511, 512] }, 'tokens[1]'],
  ['/detokenize', { tokens: [], model: {} }, 'model'],
  ['/apply-template', {}, 'messages'],
  ['/apply-template', { messages: [] }, 'messages'],
  ['/apply-template', { messages: 'hi' }, 'messages'],
  ['/apply-template', { messages: [user, { role: 'wizard', content: '' }] }, 'messages[1].role'],
  ['/apply-template', { messages: [{ role: 'user' }] }, 'messages[0].content'],
  ['/apply-template', { messages: [user], tools: [{}] }, 'tools[0].type'],
  ['/apply-template', { messages: [user], model: 1 }, 'model'],
])('%s with %j is a 400 that names %j', async (path, body, param) => {
  const { url } = await serve()
  const response = await postJson(url, path, body)
  expect(response.status).toBe(400)
  const { error } = (await response.json()) as ErrorBody
  expect(error).toMatchObject({ type: 'invalid_request_error', param, code: null })
  expect(error.message).toMatch(/expected/i)
})

test('the token endpoints pass the same door as every other endpoint', async () => {
  const { url, native } = await serve({ server: { apiKeys: ['key'], bodyBytesMax: 100 } })
  const bearer = { authorization: 'Bearer key' }
  const bodies = { '/tokenize': 'content', '/detokenize': 'tokens', '/apply-template': 'messages' }
  for (const [path, field] of Object.entries(bodies)) {
    const body = { [field]: 'x'.repeat(200) }
    expect((await postJson(url, path, body)).status).toBe(401)
    expect((await postJson(url, path, body, bearer)).status).toBe(413)
    const origin = { ...bearer, origin: 'https://evil.example' }
    expect((await postJson(url, path, {}, origin)).status).toBe(403)
    const text = { ...bearer, 'content-type': 'image/png' }
    expect((await postJson(url, path, {}, text)).status).toBe(415)
    expect((await fetch(url + path, { headers: bearer })).status).toBe(405)
    const named = await postJson(url, path, { [field]: '', model: 'gpt-5' }, bearer)
    expect([400, 404]).toContain(named.status)
  }
  expect(native.submitted).toEqual([])
})

test('more text than may wait for the tokenizer is a 429 until the tokenizer is done', async () => {
  const { url, native } = await serve({ server: { bodyBytesMax: 1000 } })
  const held: (() => void)[] = []
  native.onTextJob = (_, answer) => held.push(answer)
  const ask = (bytes: number) => postJson(url, '/tokenize', { content: 'x'.repeat(bytes) })
  const waiting = [ask(900), ask(900)]
  await eventually(() => held.length === 2)
  const refused = await ask(900)
  expect(refused.status).toBe(429)
  expect(refused.headers.get('retry-after')).toBe('1')
  const small = ask(10) // there is room for it
  for (const go of held.splice(0)) go()
  await eventually(() => held.length === 1) // two at a time
  for (const go of held.splice(0)) go()
  for (const one of [...waiting, small]) expect((await one).status).toBe(200)
  const again = ask(900)
  await eventually(() => held.length === 1)
  held[0]?.()
  expect((await again).status).toBe(200)
})

test('a text that waits for the tokenizer is dropped when its client leaves', async () => {
  const { url, native, server, log } = await serve({ server: { bodyBytesMax: 1000 } })
  let requests = 0
  server.server.on('request', () => requests++)
  const held: (() => void)[] = []
  native.onTextJob = (_, answer) => held.push(answer)
  const leaving = new AbortController()
  const ask = (content: string, signal?: AbortSignal) => {
    const init = signal === undefined ? {} : { signal }
    return fetch(`${url}/tokenize`, {
      ...init,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ content }),
    })
  }
  const arrived = async (count: number) => {
    await eventually(() => requests === count)
    await settle()
  }
  const staying = [ask('a')]
  await arrived(1)
  staying.push(ask('b'))
  await arrived(2)
  await eventually(() => held.length === 2)
  const gone = ask('c', leaving.signal)
  await arrived(3)
  const last = ask('d')
  await arrived(4)
  leaving.abort()
  await expect(gone).rejects.toThrow()
  await eventually(() => log.length === 1)
  for (const go of held.splice(0)) go()
  await eventually(() => held.length === 1)
  held[0]?.()
  for (const one of [...staying, last]) expect((await one).status).toBe(200)
  expect(native.tokenized.map(({ text }) => text)).toEqual(['a', 'b', 'd'])
})

test('a model by another name is a 404, and by each of its own names answers', async () => {
  const { url } = await serve({ server: { aliases: ['other'] } })
  const ask = (model: string) => postJson(url, '/tokenize', { content: 'a', model })
  for (const name of ['fake', 'other', 'default']) expect((await ask(name)).status).toBe(200)
  expect((await ask('gpt-5')).status).toBe(404)
})
