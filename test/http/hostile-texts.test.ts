import { expect, test } from 'vitest'
import { cpuMsOf } from '../support/processor/cpu-time.js'
import { closeAfterEach, postJson, serve } from '../support/serve.js'

// What is meant to hurt the endpoints that take texts and token ids: each is a 4xx soon,
// nothing reaches the engine, and the server goes on.

closeAfterEach()

const endpoints = [
  ['/v1/completions', 'prompt', { model: 'default' }],
  ['/tokenize', 'content', {}],
  ['/detokenize', 'tokens', {}],
  ['/apply-template', 'messages', {}],
] as const

const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`

const values: [what: string, json: () => string][] = [
  ['5 million deep', () => deep(2_500_000)],
  ['40,000 deep', () => deep(40_000)],
  ['60 deep', () => deep(60)],
  ['30 MB of text', () => JSON.stringify('x'.repeat(30_000_000))],
  ['half a million fractions', () => `[${'.5,'.repeat(250_000).replaceAll('.', '0.')}0.5]`],
  ['a quarter million times a number too large', () => `[${'9e9,'.repeat(250_000)}9e9]`],
  ['250,000 nulls', () => `[${'null,'.repeat(200_000)}null]`],
  ['arrays of nothing', () => `[${'[],'.repeat(300_000)}[]]`],
  ['objects of nothing', () => `[${'{},'.repeat(300_000)}{}]`],
  ['1e400', () => '1e400'],
  ['-1e400 in an array', () => '[-1e400]'],
  ['an object that says it is an array', () => '{"length": 4294967295, "0": 1}'],
  ['a __proto__', () => '{"__proto__": []}'],
  ['true', () => 'true'],
]

test.each(values)('%s is refused by every endpoint that takes text', async (_, json) => {
  const { url, native } = await serve({ server: { bodyBytesMax: 2 ** 20 } })
  for (const [path, field, rest] of endpoints) {
    const body = JSON.stringify({ ...rest, [field]: '@' }).replace('"@"', json)
    const cpuMs = await cpuMsOf(async () => {
      const response = await fetch(url + path, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
      })
      expect([path, [400, 413]]).toEqual([path, expect.arrayContaining([response.status])])
      expect(await response.json()).toMatchObject({ error: { type: 'invalid_request_error' } })
    })
    expect(cpuMs).toBeLessThan(3000)
  }
  expect(native.submitted).toEqual([])
  expect(native.tokenized).toEqual([])
  expect((await postJson(url, '/tokenize', { content: 'a' })).status).toBe(200)
})
