import { describe, expect, test } from 'vitest'
import type { FakePart } from '../../support/fake-engine.js'
import { tokenBytes } from '../../support/fake-engine.js'
import { closeAfterEach, postJson, type ServeOptions, serve } from '../../support/serve.js'
import { chunksOf } from '../../support/sse.js'

// Endpoints in llama-server's own shape, over the fake: its tokens are code points, of 512.

closeAfterEach()

/** A token that tells of itself, and of a likelier one. */
function token(id: number, text: string): FakePart {
  const entry = { id, bytes: tokenBytes(text), logprob: -0.5 }
  return { text, logprobs: [{ ...entry, top: [{ ...entry, id: 1, bytes: '!' }] }] }
}

const story: ServeOptions = {
  script: () => ({
    tokens: [token(65, 'One'), token(66, '\n'), token(67, 'day')],
    promptTokens: 5,
    cachedTokens: 2,
  }),
}

async function json(response: Response | Promise<Response>, status = 200) {
  const answer = await response
  const body: unknown = await answer.json()
  expect([answer.status, body]).toEqual([status, expect.anything()])
  return body as Record<string, unknown>
}

describe('POST /completion', () => {
  const ask = async (body: object, options: ServeOptions = story) => {
    const served = await serve(options)
    return { ...served, response: await postJson(served.url, '/completion', body) }
  }

  test('answers in its shape, with counts, times and what it was made with', async () => {
    const { response, native } = await ask({
      prompt: 'hi',
      n_predict: 9,
      temperature: 0.5,
      seed: 7,
    })
    expect(await json(response)).toMatchObject({
      index: 0,
      content: 'One\nday',
      tokens: [],
      stop: true,
      stop_type: 'eos',
      stopping_word: '',
      truncated: false,
      has_new_line: true,
      prompt: 'hi',
      model: 'fake',
      tokens_evaluated: 5,
      tokens_predicted: 3,
      timings: { cache_n: 2, prompt_n: 3, predicted_n: 3 },
      generation_settings: { n_predict: 9, temperature: 0.5, seed: 7, top_k: 0, samplers: steps },
    })
    expect(native.submitted[0]).toMatchObject({ maxTokens: 9, temperature: 0.5, logprobs: -1 })
    expect(native.tokenized).toEqual([{ text: 'hi', addSpecial: true, parseSpecial: true }])
  })

  const steps = [
    ...['penalties', 'dry', 'top_n_sigma', 'top_k', 'typ_p', 'top_p', 'min_p', 'xtc'],
    'temperature',
  ]

  test('tells ids and probabilities where they are asked for', async () => {
    const { response } = await ask({ prompt: 'hi', return_tokens: true, n_probs: 1 })
    const { tokens, completion_probabilities: told } = await json(response)
    expect(tokens).toEqual([65, 66, 67])
    expect((told as object[])[0]).toEqual({
      id: 65,
      token: 'One',
      bytes: [79, 110, 101],
      logprob: -0.5,
      top_logprobs: [{ id: 1, token: '!', bytes: [33], logprob: -0.5 }],
    })
  })

  test('streams a frame for each token, and an end without [DONE]', async () => {
    const { response } = await ask({ prompt: 'hi', stream: true })
    const frames = chunksOf(await response.text())
    expect(frames).toMatchObject([
      { content: 'One', tokens: [65], stop: false, tokens_predicted: 1, tokens_evaluated: 5 },
      { content: '\n', tokens: [66], stop: false },
      { content: 'day', tokens: [67], stop: false, tokens_predicted: 3 },
      { content: '', stop: true, stop_type: 'eos', timings: { predicted_n: 3 } },
    ])
  })

  test('takes texts and ids in one prompt, objects, and several prompts', async () => {
    const { response, native } = await ask({
      prompt: [[1, 'a', 2], { prompt_string: 'b' }, 'c'],
    })
    const list = (await json(response)) as unknown as { index: number; prompt: string }[]
    expect(list.map(({ index }) => index)).toEqual([0, 1, 2])
    expect(native.submitted.map(({ prompt }) => [...(prompt as Int32Array)])).toEqual([
      [1, 97, 2],
      [98],
      [99],
    ])
    expect(native.tokenized.map(({ addSpecial }) => addSpecial)).toEqual([false, true, true])
  })

  test('takes 1,024 texts of all prompts together, however short', async () => {
    const texts = (count: number) => Array(count).fill('') as string[]
    const { response, native } = await ask({
      prompt: [
        [1, ...texts(512)],
        [2, ...texts(512), 3],
      ],
    })
    await json(response)
    expect(native.submitted.map(({ prompt }) => [...(prompt as Int32Array)])).toEqual([[1], [2, 3]])
    for (const prompt of [
      [1, ...texts(1025)],
      [
        [1, ...texts(512)],
        [2, ...texts(513)],
      ],
    ]) {
      const more = await ask({ prompt })
      const { error } = await json(more.response, 400)
      expect(error).toMatchObject({ message: expect.stringContaining('at most 1024 texts') })
      expect(more.native.tokenized).toEqual([])
    }
  })

  test('keeps the order of many ids and the texts among them', async () => {
    const ids = Array.from({ length: 5000 }, (_, i) => i % 500)
    const { response, native } = await ask({ prompt: [...ids, 'ab', ...ids, 'c'] })
    await json(response)
    const all = [...ids, 97, 98, ...ids, 99]
    expect(native.submitted[0]?.prompt).toEqual(Int32Array.from(all))
  })

  test('has a text of digits as a text in a pair, and as an id in an object', async () => {
    const pairs = await ask({ prompt: 'a', logit_bias: [['5', -100]] })
    expect(pairs.native.submitted[0]?.logitBias).toEqual([53, -100])
    const keys = await ask({ prompt: 'a', logit_bias: { 5: -100 } })
    expect(keys.native.submitted[0]?.logitBias).toEqual([5, -100])
  })

  test('draws another seed each time for either word that llama-server has for that', async () => {
    for (const seed of [-1, 4294967295]) {
      const { url, native } = await serve({ ...story, model: { canInfill: true } })
      for (let i = 0; i < 2; i++) {
        await json(postJson(url, '/completion', { prompt: 'a', seed }))
        await json(postJson(url, '/infill', { input_prefix: 'a', input_suffix: 'b', seed }))
      }
      const seeds = new Set(native.submitted.map((one) => one.seed))
      expect([seeds.size, seeds.has(4294967295)]).toEqual([4, false])
    }
  })

  test('reads biases by ids, texts and false, as pairs or as an object', async () => {
    const pairs = [
      [
        [5, 1.5],
        ['ab', -2],
        [7, false],
      ],
      { 5: 1.5, ab: -2, 7: -100 },
    ]
    for (const logit_bias of pairs) {
      const { native } = await ask({ prompt: 'hi', logit_bias })
      const flat = native.submitted[0]?.logitBias ?? []
      expect(flat).toEqual([5, 1.5, 7, -100, 97, -2, 98, -2])
    }
  })

  test('hands samplers and their numbers on, by names, aliases and letters', async () => {
    const { native } = await ask({
      prompt: 'hi',
      samplers: ['top_k', 'typical_p', 'temperature'],
      typical_p: 0.5,
      dry_multiplier: 0.8,
      dry_sequence_breakers: ['|'],
      mirostat: 2,
    })
    const told = { typicalP: 0.5, dryMultiplier: 0.8, drySequenceBreakers: ['|'], mirostat: 2 }
    expect(native.submitted[0]).toMatchObject({
      samplers: ['top_k', 'typ_p', 'temperature'],
      ...told,
    })
    const letters = await ask({ prompt: 'hi', samplers: 'kyt' })
    expect(letters.native.submitted[0]?.samplers).toEqual(['top_k', 'typ_p', 'temperature'])
  })

  test('takes what is not there where its value asks for nothing', async () => {
    for (const t_max_predict_ms of [0, -1]) {
      const off = { t_max_predict_ms, grammar_triggers: [], lora: [], n: 1, n_indent: null }
      const { response } = await ask({ prompt: 'a', ...off })
      expect(await json(response)).toMatchObject({ stop: true })
      expect(response.headers.get('x-sluice-notes')).toBeNull()
    }
  })

  test('sends the fields that are asked for alone', async () => {
    const response_fields = ['content', 'generation_settings/n_predict', 'timings/prompt_n', 'none']
    const { response } = await ask({ prompt: 'hi', n_predict: 4, response_fields })
    expect(await json(response)).toEqual({
      content: 'One\nday',
      'generation_settings/n_predict': 4,
      'timings/prompt_n': 3,
    })
  })

  test.each([
    [{}, 'prompt'],
    [{ prompt: 7 }, 'prompt'],
    [{ prompt: [] }, 'prompt'],
    [{ prompt: { prompt_string: 'a', multimodal_data: ['x'] } }, 'prompt'],
    [{ prompt: ['a', { b: 1 }] }, 'prompt[1]'],
    [{ prompt: [600] }, 'prompt[0]'],
    [{ prompt: 'a', lora: [{ id: 0, scale: 1 }] }, 'lora[0].id'],
    [{ prompt: 'a', post_sampling_probs: true }, 'post_sampling_probs'],
    [{ prompt: 'a', grammar_triggers: [{ type: 0, value: 'x' }] }, 'grammar_triggers'],
    [{ prompt: 'a', t_max_predict_ms: 5 }, 't_max_predict_ms'],
    [{ prompt: 'a', n: 2 }, 'n'],
    [{ prompt: 'a', samplers: ['adaptive_p'] }, 'samplers[0]'],
    [{ prompt: 'a', samplers: [{ toString: 1 }] }, 'samplers[0]'],
    [{ prompt: 'a', samplers: ['constructor'] }, 'samplers[0]'],
    [{ prompt: 'a', samplers: [['k']] }, 'samplers[0]'],
    [{ prompt: 'a', samplers: Array(10).fill('k') }, 'samplers'],
    [{ prompt: 'a', samplers: 'kkkkkkkkkk' }, 'samplers'],
    [{ prompt: 'a', logit_bias: [[1, 2, 3]] }, 'logit_bias'],
    [{ prompt: 'a', logit_bias: { 9999999999: 1 } }, 'logit_bias'],
    [
      {
        prompt: 'a',
        logit_bias: Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [i, 1])),
      },
      'logit_bias',
    ],
    [{ prompt: 'a', n_probs: 21 }, 'n_probs'],
    [{ prompt: 'a', xtc_probability: 2 }, 'xtc_probability'],
  ])('%j is a 400 that names %j', async (body, field) => {
    const { response } = await ask(body)
    expect(await json(response, 400)).toEqual({
      error: {
        code: 400,
        message: expect.stringContaining(`'${field}'`),
        type: 'invalid_request_error',
      },
    })
  })

  test('says which prompt does not fit, in numbers', async () => {
    const refuse = {
      code: 'ERR_CONTEXT_LENGTH',
      message: 'x',
      promptTokens: 9,
      contextTokens: 4,
    } as const
    const options = { script: () => ({ tokens: [], refuse }) }
    const { response, native } = await ask({ prompt: 'a' }, options)
    expect(await json(response, 400)).toEqual({
      error: {
        code: 400,
        message: expect.stringContaining('exceeds the available context size'),
        type: 'exceed_context_size_error',
        n_prompt_tokens: 9,
        n_ctx: 4,
      },
    })
    expect(native.detokenized).toEqual([]) // it may be far too long
  })

  test('ends a stream with the error that comes in it', async () => {
    const end = { code: 'ERR_ENGINE_FAILED', message: 'broken' } as const
    const { response } = await ask(
      { prompt: 'a', stream: true },
      { script: () => ({ tokens: [], end }) },
    )
    const frames = chunksOf(await response.text())
    expect(frames).toEqual([{ error: { code: 500, message: 'broken', type: 'server_error' } }])
  })
})

describe('POST /infill', () => {
  const infill = { model: { canInfill: true } }
  const around = { input_prefix: 'a', input_suffix: 'b' }

  test('fills the gap between what stands around it, with other files in front', async () => {
    const { url, native } = await serve({ ...story, ...infill })
    const body = {
      input_prefix: 'a(',
      prompt: 'b',
      input_suffix: ')',
      input_extra: [{ text: 'x', filename: 'f' }],
    }
    expect(await json(postJson(url, '/infill', body))).toMatchObject({ content: 'One\nday' })
    expect(native.submitted[0]?.prompt).toEqual({ before: 'f\nx\na(b', after: ')' })
  })

  test.each([{}, { filename: 'ok' }, { filename: 1, text: 'a' }, { text: 4 }])(
    'other files are texts: %j is a 400',
    async (chunk) => {
      const { url } = await serve(infill)
      await json(postJson(url, '/infill', { ...around, input_extra: [chunk] }), 400)
    },
  )

  test.each([{}, { input_prefix: 'a' }, { ...around, prompt: 7 }])('%j is a 400', async (body) => {
    const { url } = await serve(infill)
    await json(postJson(url, '/infill', body), 400)
  })

  test('of a model that was not trained for it is a 501', async () => {
    const { url } = await serve()
    const body = await json(postJson(url, '/infill', around), 501)
    expect(body.error).toMatchObject({ code: 501, type: 'not_supported_error' })
  })
})

describe('what the server is', () => {
  test('GET /props tells defaults, slots and sizes, and no path', async () => {
    const engine = { parallel: 3, sampling: { seed: 42, topK: 7 } }
    const { url } = await serve({ engine })
    expect(await json(fetch(`${url}/props`))).toMatchObject({
      total_slots: 3,
      model_alias: 'fake',
      model_path: 'fake.gguf',
      is_sleeping: false,
      default_generation_settings: { params: { seed: 42, top_k: 7, top_p: 1 } },
    })
    await json(fetch(`${url}/props?model=nobody`), 404)
    await json(postJson(url, '/props', {}), 501)
  })

  test('GET /slots tells how many run, and nothing that is said', async () => {
    const { url, native } = await serve({ pace: 'manual', engine: { parallel: 2 } })
    const running = postJson(url, '/completion', { prompt: 'secret' })
    while (native.stats().running === 0) {
      native.step()
      await new Promise(setImmediate)
    }
    const text = await (await fetch(`${url}/slots`)).text()
    expect(JSON.parse(text)).toMatchObject([
      { id: 0, is_processing: true },
      { id: 1, is_processing: false },
    ])
    expect(text).not.toContain('secret')
    while (native.stats().running > 0) {
      native.step()
      await new Promise(setImmediate)
    }
    await running
  })

  test('slots are not saved, restored or erased', async () => {
    const { url } = await serve()
    for (const action of ['save', 'restore', 'erase']) {
      await json(postJson(url, `/slots/0?action=${action}`, { filename: 'a' }), 501)
    }
    await json(postJson(url, '/slots/0?action=sell', {}), 400)
    await json(postJson(url, '/slots/x?action=save', {}), 400)
  })

  test('there are no adapters where none were given, and none can be scaled', async () => {
    const { url } = await serve()
    expect(await json(fetch(`${url}/lora-adapters`))).toEqual([])
    expect(await json(postJson(url, '/lora-adapters', []))).toEqual({ success: true })
    await json(postJson(url, '/lora-adapters', [{ id: 0, scale: 1 }]), 400)
  })

  test('once the engine is closed is a 503 in its shape', async () => {
    const { url, engine } = await serve()
    await engine.close()
    for (const path of ['/props', '/slots', '/lora-adapters']) {
      const { error } = await json(fetch(`${url}${path}`), 503)
      expect(error).toMatchObject({ code: 503, type: 'unavailable_error' })
    }
  })

  test('a chat’s tokens are counted, with its tools', async () => {
    const { url } = await serve()
    const messages = [{ role: 'user', content: 'hi' }]
    const count = await json(postJson(url, '/chat/completions/input_tokens', { messages }))
    expect(count.input_tokens).toBeGreaterThan(0)
    await json(postJson(url, '/chat/completions/input_tokens', {}), 400)
  })
})

test('POST /embedding has a vector a row, by either name of its input', async () => {
  const { url } = await serve({ embedding: { size: 4, pooling: 'mean' } })
  for (const body of [{ content: ['a', 'b'] }, { input: ['a', 'b'] }]) {
    const list = (await json(postJson(url, '/embedding', body))) as unknown as {
      embedding: number[][]
    }[]
    expect(list).toMatchObject([{ index: 0 }, { index: 1 }])
    for (const { embedding } of list) expect(Math.hypot(...(embedding[0] ?? []))).toBeCloseTo(1)
  }
  await json(postJson(url, '/embedding', {}), 400)
  await json(postJson(url, '/embedding', { content: 'a', input: 'b' }), 400)
})

describe('POST /v1/rerank', () => {
  const ranks = { embedding: { size: 1, pooling: 'rank' } } as const
  const documents = ['ab', 'abc', 'x']

  test('orders documents in the fields of Jina and Cohere', async () => {
    const { url, native } = await serve(ranks)
    for (const path of ['/v1/rerank', '/rerank', '/reranking', '/v2/rerank']) {
      const body = { query: 'abc', documents: ['ab', { text: 'abc' }, 'x'], return_documents: true }
      expect(await json(postJson(url, path, body))).toMatchObject({
        object: 'list',
        model: 'fake',
        usage: { prompt_tokens: 6, total_tokens: 6 },
        meta: { tokens: { input_tokens: 6 } },
        results: [
          { index: 1, relevance_score: 3, document: { text: 'abc' } },
          { index: 0, relevance_score: 2, document: { text: 'ab' } },
          { index: 2, relevance_score: 0, document: { text: 'x' } },
        ],
      })
    }
    expect(native.embedder.requests[0]?.inputs[0]).toEqual({ query: 'abc', document: 'ab' })
  })

  test('answers texts in the shape of TEI, the best alone where that is asked for', async () => {
    const { url } = await serve(ranks)
    const body = { query: 'abc', texts: documents, top_n: 1, return_text: true }
    expect(await json(postJson(url, '/rerank', body))).toEqual([
      { index: 1, score: 3, text: 'abc' },
    ])
  })

  test.each([
    [{ documents }, 'query'],
    [{ query: 'a' }, 'documents'],
    [{ query: 'a', documents: [] }, 'documents'],
    [{ query: 'a', documents: 'b' }, 'documents'],
    [{ query: 'a', documents: ['b', 1] }, 'documents[1]'],
    [{ query: 'a', documents, texts: documents }, 'documents'],
    [{ query: 'a', documents, top_n: 0 }, 'top_n'],
  ])('%j is a 400 that names %j', async (body, field) => {
    const { url } = await serve(ranks)
    const { error } = await json(postJson(url, '/v1/rerank', body), 400)
    expect((error as { message: string }).message).toContain(`'${field}'`)
  })

  test('takes a query whose copies, one for each document, fit into 64 MiB', async () => {
    const { url, native } = await serve(ranks)
    const query = 'é'.repeat(2 ** 15) // 64 KiB
    const asked = (count: number) => ({ query, documents: Array(count).fill('a') as string[] })
    const { error } = await json(postJson(url, '/v1/rerank', asked(1025)), 400)
    expect(error).toMatchObject({ message: expect.stringMatching(/'query'.* 65472 bytes/) })
    expect(native.embedder.requests).toEqual([])
    await json(postJson(url, '/v1/rerank', asked(1024)))
  })

  test('says that a model does something else', async () => {
    const embeds = await serve({ embedding: { size: 4, pooling: 'mean' } })
    const writes = await serve()
    for (const { url } of [embeds, writes]) {
      await json(postJson(url, '/v1/rerank', { query: 'a', documents }), 400)
    }
    const { url } = await serve(ranks)
    await json(postJson(url, '/v1/embeddings', { input: 'a' }), 400)
    await json(postJson(url, '/completion', { prompt: 'a' }), 400)
  })
})
