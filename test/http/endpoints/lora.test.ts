import { describe, expect, test } from 'vitest'
import { models } from '../../../src/index.js'
import { serveModels } from '../../support/pool/serve-models.js'
import { closeAfterEach, postJson, serve } from '../../support/serve.js'

// What requests say of LoRA adapters, by a model's name or a field. What comes of it is in
// test/e2e/engine/lora.test.ts.

const lora = { red: '/models/red.gguf', blue: { file: '/models/blue.gguf', scale: 0.5 } }
const served = () => serve({ engine: { model: '/models/base.gguf', lora } })

// biome-ignore lint/suspicious/noExplicitAny: the bodies of many endpoints
async function json(asked: Promise<Response>, status = 200): Promise<any> {
  const response = await asked
  const body = await response.json()
  expect([response.status, status === 200 ? '' : body]).toEqual([
    status,
    status === 200 ? '' : body,
  ])
  return body
}

const messages = [{ role: 'user', content: 'hi' }]
/** Each endpoint for text, with what it asks. */
const endpoints: [string, object][] = [
  ['/v1/chat/completions', { messages }],
  ['/v1/completions', { prompt: 'hi' }],
  ['/v1/responses', { input: 'hi' }],
  ['/v1/messages', { messages, max_tokens: 9 }],
  ['/completion', { prompt: 'hi' }],
  ['/api/chat', { messages, stream: false }],
  ['/api/generate', { prompt: 'hi', stream: false }],
]
const withField = endpoints.filter(([path]) => !/messages|api/.test(path))

closeAfterEach()

describe.each(endpoints)('POST %s', (path, body) => {
  test('takes an adapter’s name for the model’s, with the scale of its load', async () => {
    const { url, native } = await served()
    const red = await json(postJson(url, path, { ...body, model: 'red' }))
    expect(red.model).toBe('red')
    await json(postJson(url, path, { ...body, model: 'blue' }))
    await json(postJson(url, path, { ...body, model: 'base' }))
    await json(postJson(url, path, { ...body, model: 'default' }))
    expect(native.submitted.map(({ adapters }) => adapters)).toEqual([[0, 1], [1, 0.5], [], []])
  })

  test('gets what was set for all where it says nothing', async () => {
    const { url, native } = await served()
    const set = [{ id: 1, scale: 0.25 }]
    expect(await json(postJson(url, '/lora-adapters', set))).toEqual({ success: true })
    await json(postJson(url, path, { ...body, model: 'base' }))
    await json(postJson(url, path, { ...body, model: 'red' }))
    await json(postJson(url, '/lora-adapters', []))
    await json(postJson(url, path, { ...body, model: 'base' }))
    expect(native.submitted.map(({ adapters }) => adapters)).toEqual([[1, 0.25], [0, 1], []])
  })
})

describe('Ollama’s clients', () => {
  test('find adapters in the list, and ask for them with a tag', async () => {
    const { url, native } = await served()
    const { models } = await json(fetch(`${url}/api/tags`))
    expect(models).toMatchObject([
      { name: 'base:latest' },
      { name: 'red:latest' },
      { name: 'blue:latest' },
    ])
    await json(postJson(url, '/api/chat', { messages, stream: false, model: 'red:latest' }))
    expect(native.submitted.map(({ adapters }) => adapters)).toEqual([[0, 1]])
  })

  test('cannot copy one, nor take its name', async () => {
    const server = { allowPull: true }
    const { url } = await serve({ engine: { model: '/models/base.gguf', lora }, server })
    const copied = { source: 'red', destination: 'rose' }
    expect(await json(postJson(url, '/api/copy', copied), 400)).toMatchObject({
      error: expect.stringContaining('LoRA adapter'),
    })
    const taken = { source: 'base', destination: 'red' }
    expect((await json(postJson(url, '/api/copy', taken), 400)).error).toMatch(/already/)
  })
})

describe.each(withField)('POST %s', (path, body) => {
  test('takes llama-server’s field, whatever the model’s name and the server say', async () => {
    const { url, native } = await served()
    await json(postJson(url, '/lora-adapters', [{ id: 0, scale: 1 }]))
    const some = [
      { id: 1, scale: 2 },
      { id: 0, scale: 0 },
    ]
    await json(postJson(url, path, { ...body, model: 'red', lora: some }))
    await json(postJson(url, path, { ...body, lora: [{ id: 0, scale: 0 }] }))
    await json(postJson(url, path, { ...body, lora: [] }))
    await json(postJson(url, path, { ...body, lora: null }))
    expect(native.submitted.map(({ adapters }) => adapters)).toEqual([
      [1, 2, 0, 0],
      [0, 0],
      [0, 1],
      [0, 1],
    ])
  })

  test.each([
    ['red', 'lora'],
    [[7], 'lora[0]'],
    [[{ id: 2, scale: 1 }], 'lora[0].id'],
    [[{ id: -1, scale: 1 }], 'lora[0].id'],
    [[{ id: 0.5, scale: 1 }], 'lora[0].id'],
    [[{ id: 'red', scale: 1 }], 'lora[0].id'],
    [[{ id: 0 }], 'lora[0].scale'],
    [[{ id: 0, scale: '1' }], 'lora[0].scale'],
    [[{ id: 0, scale: 1e9 }], 'lora[0].scale'],
    [[{ id: 0, scale: null }], 'lora[0].scale'],
    [
      [
        { id: 0, scale: 1 },
        { id: 0, scale: 2 },
      ],
      'lora[1].id',
    ],
  ])('refuses %j', async (wrong, field) => {
    const { url, native } = await served()
    const { error } = await json(postJson(url, path, { ...body, lora: wrong }), 400)
    expect(error.message).toContain(`'${field}'`)
    expect(native.submitted).toEqual([])
  })

  test('refuses any adapter where there is none', async () => {
    const { url } = await serve()
    const asked = { ...body, lora: [{ id: 0, scale: 1 }] }
    const { error } = await json(postJson(url, path, asked), 400)
    expect(error.message).toContain('has no adapters')
  })
})

describe('the adapters of a model', () => {
  test('are listed, with what requests get that say nothing', async () => {
    const { url } = await served()
    const list = () => json(fetch(`${url}/lora-adapters`))
    const [red, blue] = [
      { id: 0, name: 'red', path: 'red.gguf', task_name: '', prompt_prefix: '' },
      { id: 1, name: 'blue', path: 'blue.gguf', task_name: '', prompt_prefix: '' },
    ]
    expect(await list()).toEqual([
      { ...red, scale: 0 },
      { ...blue, scale: 0 },
    ])
    await json(postJson(url, '/lora-adapters', [{ id: 1, scale: 0.25 }]))
    expect(await list()).toEqual([
      { ...red, scale: 0 },
      { ...blue, scale: 0.25 },
    ])
    // As llama-server: what is left out has none.
    await json(postJson(url, '/lora-adapters', [{ id: 0, scale: 1 }]))
    expect(await list()).toEqual([
      { ...red, scale: 1 },
      { ...blue, scale: 0 },
    ])
  })

  test('change the fingerprint where they are set for all: the text may be another', async () => {
    const { url } = await served()
    const asked = async (model: string) => {
      const answer = await json(postJson(url, '/v1/completions', { prompt: 'a', model }))
      return answer.system_fingerprint
    }
    const set = (scales: readonly number[]) => {
      const list = scales.map((scale, id) => ({ id, scale }))
      return json(postJson(url, '/lora-adapters', list))
    }
    const before = await asked('base')
    await set([0, 0.5])
    const after = await asked('base')
    expect(after).toMatch(/^fp_[0-9a-f]{10}$/)
    expect(after).not.toBe(before)
    expect(await asked('red')).toBe(before) // which gets its own adapter all the same
    await set([0, 0.25])
    expect([before, after]).not.toContain(await asked('base'))
    await set([0, 0])
    expect(await asked('base')).toBe(before)
  })

  test('may have names that every object has', async () => {
    const names = ['constructor', '__proto__']
    const lora = Object.fromEntries(names.map((name) => [name, 'a.gguf']))
    const { url, native } = await serve({ engine: { model: '/models/base.gguf', lora } })
    const list = await json(fetch(`${url}/lora-adapters`))
    expect(list.map(({ name, scale }: { name: string; scale: number }) => [name, scale])).toEqual([
      ['constructor', 0],
      ['__proto__', 0],
    ])
    await json(postJson(url, '/v1/completions', { prompt: 'a', model: '__proto__' }))
    await json(postJson(url, '/lora-adapters', [{ id: 1, scale: 0.5 }]))
    await json(postJson(url, '/v1/completions', { prompt: 'a' }))
    expect(native.submitted.map(({ adapters }) => adapters)).toEqual([
      [1, 1],
      [1, 0.5],
    ])
  })

  test.each([
    [{}, 'body'],
    [[{ id: 2, scale: 1 }], 'body[0].id'],
    [[{ id: 0, scale: 'x' }], '[0].scale'],
    [[{ scale: 1 }], '[0].id'],
  ])('are not scaled by %j', async (wrong, place) => {
    const { url } = await served()
    const { error } = await json(postJson(url, '/lora-adapters', wrong), 400)
    expect(error).toMatchObject({ code: 400, type: 'invalid_request_error' })
    if (place !== 'body') expect(error.message).toContain(place)
    const list: { scale: number }[] = await json(fetch(`${url}/lora-adapters`))
    expect(list.map(({ scale }) => scale)).toEqual([0, 0])
  })

  test('are models of the list, each with its parent', async () => {
    const { url } = await served()
    const { data } = await json(fetch(`${url}/v1/models`))
    const told = data.map(({ id, parent }: { id: string; parent?: string }) => [id, parent])
    expect(told).toEqual([
      ['base', undefined],
      ['default', undefined],
      ['red', 'base'],
      ['blue', 'base'],
    ])
    expect(await json(fetch(`${url}/v1/models/red`))).toMatchObject({ id: 'red', parent: 'base' })
    const { error } = await json(postJson(url, '/v1/completions', { prompt: 'a', model: 'x' }), 404)
    expect(error.message).toContain("'red', 'blue'")
  })

  test('are told in the settings of a reply', async () => {
    const { url } = await served()
    const ask = async (body: object) => {
      const { generation_settings } = await json(
        postJson(url, '/completion', { prompt: 'a', ...body }),
      )
      return generation_settings.lora
    }
    expect(await ask({ lora: [{ id: 1, scale: 2 }] })).toEqual([
      { id: 0, scale: 0 },
      { id: 1, scale: 2 },
    ])
    expect(await ask({ model: 'blue' })).toEqual([
      { id: 0, scale: 0 },
      { id: 1, scale: 0.5 },
    ])
  })
})

describe('an adapter of one of several models', () => {
  test('has its model loaded, and nothing of the others’', async () => {
    const { url, events, native } = await serveModels({ tales: { lora }, news: {} })
    const red = await json(postJson(url, '/v1/completions', { prompt: 'a', model: 'red' }))
    expect(red.model).toBe('red')
    await json(postJson(url, '/lora-adapters?model=tales', [{ id: 1, scale: 2 }]))
    await json(postJson(url, '/v1/completions', { prompt: 'a', model: 'tales' }))
    expect(events).toEqual(['loading tales', 'loaded tales'])
    await json(postJson(url, '/v1/completions', { prompt: 'a', model: 'news' }))
    expect(native('tales').submitted.map(({ adapters }) => adapters)).toEqual([
      [0, 1],
      [1, 2],
    ])
    expect(native('news').submitted.map(({ adapters }) => adapters)).toEqual([[]])
    const { data } = await json(fetch(`${url}/v1/models`))
    const parents = data.filter(({ parent }: { parent?: string }) => parent !== undefined)
    expect(parents.map(({ id, parent }: { id: string; parent: string }) => [id, parent])).toEqual([
      ['red', 'tales'],
      ['blue', 'tales'],
    ])
    expect(await json(fetch(`${url}/lora-adapters?model=news`))).toEqual([])
  })
})

describe('names that stand for two things', () => {
  test.each(['base', 'default', 'other'])(
    'an adapter’s name %s is refused at the start',
    async (name) => {
      const started = serve({
        engine: { model: '/models/base.gguf', lora: { [name]: 'a.gguf' } },
        server: { aliases: ['other'] },
      })
      await expect(started).rejects.toThrow(/'lora': expected names that no model has/)
    },
  )

  test('a name of two among several models is refused', () => {
    const clash = (a: object, b: object) => () => {
      models({ models: { a: { model: 'a.gguf', ...a }, b: { model: 'b.gguf', ...b } } })
    }
    expect(clash({ lora: { b: 'x.gguf' } }, {})).toThrow(/'b' once more/)
    expect(clash({ lora: { x: 'x.gguf' } }, { lora: { x: 'y.gguf' } })).toThrow(/'x' once more/)
    expect(clash({ lora: { default: 'x.gguf' } }, {})).toThrow(/'default' once more/)
    expect(clash({ aliases: ['x'] }, { lora: { x: 'x.gguf' } })).toThrow(/'x' once more/)
  })
})
