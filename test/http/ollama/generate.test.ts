import { describe, expect, test } from 'vitest'
import type { FakePart } from '../../support/fake-engine.js'
import { closeAfterEach, type ServeOptions, serve } from '../../support/serve.js'
import { ask, linesOf, type OllamaLine } from '../../support/wire/ollama.js'

// POST /api/generate over the fake.

closeAfterEach()

async function generate(body: object, options: ServeOptions = {}) {
  const served = await serve(options)
  return { ...served, response: await ask(served.url, 'generate', body) }
}

async function whole(body: object, options: ServeOptions = {}) {
  const { response, native } = await generate({ stream: false, ...body }, options)
  const answer = (await response.json()) as OllamaLine
  expect([response.status, answer]).toEqual([200, expect.anything()])
  return { answer, asked: native.submitted[0]?.prompt, native, response }
}

test('a text is answered in lines, by the chat template', async () => {
  const { response, native } = await generate({ model: 'fake', prompt: 'Hi', system: 'Be brief.' })
  const lines = linesOf(await response.text())
  expect(lines.map(({ response }) => response).join('')).toBe('Once upon a time.')
  expect(lines.slice(0, -1).every((line) => line.done === false)).toBe(true)
  expect(lines[0]).toEqual({
    model: 'fake',
    created_at: expect.any(String),
    response: expect.any(String),
    done: false,
  })
  expect(lines.at(-1)).toMatchObject({ response: '', done: true, done_reason: 'stop' })
  expect(native.submitted[0]?.prompt).toMatchObject({
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
    ],
  })
})

test('a text is answered in one body, with the thoughts apart', async () => {
  const tokens: (string | FakePart)[] = [{ reasoning: 'Hm.' }, 'Yes.']
  const { answer } = await whole({ prompt: 'Hi' }, { script: () => ({ tokens }) })
  expect(answer).toMatchObject({ response: 'Yes.', thinking: 'Hm.', done: true, eval_count: 2 })
})

describe('the prompt of a text', () => {
  test('is the whole prompt where it is raw, or the model has no template', async () => {
    expect((await whole({ prompt: 'Once', raw: true })).asked).toBe('Once')
    const bare = { model: { hasChatTemplate: false } }
    expect((await whole({ prompt: 'Once' }, bare)).asked).toBe('Once')
  })

  test('is what stands before a gap where there is a suffix', async () => {
    const { native } = await whole({ prompt: 'a = ', suffix: '\n' }, { model: { canInfill: true } })
    expect(native.submitted[0]).toMatchObject({ prompt: { before: 'a = ', after: '\n' } })
  })

  test('has a form and options as that of a chat', async () => {
    const { native } = await whole({ prompt: 'Hi', format: 'json', options: { num_predict: 2 } })
    expect(native.submitted[0]).toMatchObject({ maxTokens: 2, grammar: expect.any(String) })
  })
})

test('without a prompt the model is loaded, which one line or one body says', async () => {
  const { response, native } = await generate({ model: 'fake' })
  const done = { model: 'fake', response: '', done: true, done_reason: 'load' }
  expect(linesOf(await response.text())).toEqual([{ created_at: expect.any(String), ...done }])
  expect((await whole({ model: 'fake' })).answer).toMatchObject(done)
  expect(native.submitted).toEqual([])
})

test('what asks for nothing is taken: an empty template, context and list of images', async () => {
  const empty = { template: '', context: [], images: [], width: 0, suffix: null, system: '' }
  const { response } = await whole({ prompt: 'Hi', ...empty })
  expect(response.headers.get('x-sluice-notes')).toBe(null)
})

test('a model that only continues texts keeps its word on how long it stays', async () => {
  const { response } = await whole({ prompt: 'Hi', keep_alive: '5m' })
  expect(response.headers.get('x-sluice-notes')).toBe(
    "keep_alive: the server's only model stays as long as the server, so it had no effect",
  )
  const ever = await whole({ prompt: 'Hi', keep_alive: -1 })
  expect(ever.response.headers.get('x-sluice-notes')).toBe(null)
})
