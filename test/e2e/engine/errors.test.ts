import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { ContextLengthError, load, SluiceError } from '../../../src/index.js'
import { randomModel } from '../../support/models/random-model.js'

const folder = mkdtempSync(path.join(tmpdir(), 'sluice-errors-'))
afterAll(() => rmSync(folder, { recursive: true }))

const ask = [{ role: 'user' as const, content: 'Tell me a story' }]

async function errorOf(promise: Promise<unknown>): Promise<SluiceError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(SluiceError)
  return error as SluiceError
}

function fileOf(name: string, content: string | Uint8Array): string {
  const file = path.join(folder, name)
  writeFileSync(file, content)
  return file
}

describe('loading fails with what is wrong', () => {
  test('where the file is not there', async () => {
    const error = await errorOf(load({ model: path.join(folder, 'nothing.gguf') }))
    expect(error.code).toBe('ERR_MODEL_NOT_FOUND')
    expect(error.message).toContain('nothing.gguf')
  })

  test('where it is a folder', async () => {
    expect(await errorOf(load({ model: folder }))).toHaveProperty('code')
  })

  test('where it is a text file', async () => {
    const error = await errorOf(load({ model: fileOf('text.gguf', 'Once upon a time') }))
    expect(error.code).toBe('ERR_MODEL_INVALID')
  })

  test('where the model is cut short', async () => {
    const whole = readFileSync(randomModel())
    for (const share of [0.01, 0.2, 0.5, 0.999]) {
      const cut = whole.subarray(0, Math.floor(whole.length * share))
      const error = await errorOf(load({ model: fileOf('cut.gguf', cut) }))
      expect(error.code).toBe('ERR_MODEL_INVALID')
    }
  })

  test('where an option is out of range', async () => {
    const error = await errorOf(load({ model: randomModel(), parallel: 0 }))
    expect(error.code).toBe('ERR_INVALID_OPTION')
  })

  test('where there is less memory than KV cache', async () => {
    const error = await errorOf(load({ model: randomModel(), parallel: 256, context: 2 ** 24 }))
    expect(error.code).toBe('ERR_OUT_OF_MEMORY')
    const less = await errorOf(load({ model: randomModel(), parallel: 64, context: 2 ** 22 }))
    expect(less.code).toBe('ERR_OUT_OF_MEMORY')
  })

  test('where it is aborted before, and in the middle', async () => {
    const before = await errorOf(load({ model: randomModel(), signal: AbortSignal.abort() }))
    expect(before.code).toBe('ERR_CANCELLED')
    const controller = new AbortController()
    const loading = load({
      model: randomModel({ layers: 8, embedding: 256, seed: 11 }),
      onProgress: () => controller.abort(),
      signal: controller.signal,
    })
    expect((await errorOf(loading)).code).toBe('ERR_CANCELLED')
  })
})

describe('a request fails with what is wrong', () => {
  test('where its prompt cannot fit, with both numbers', async () => {
    const engine = await load({ model: randomModel(), context: 256 })
    const error = await errorOf(engine.complete('x '.repeat(1000)).accepted)
    expect(error).toBeInstanceOf(ContextLengthError)
    const { promptTokens, contextTokens } = error as ContextLengthError
    expect(contextTokens).toBe(256)
    expect(promptTokens).toBeGreaterThan(1000)
    expect(error.message).toContain(String(promptTokens))
    expect(engine.stats()).toMatchObject({ started: 1, failed: 1, steps: 0 })
    await engine.close()
  })

  test('where the queue is full, at once and before any work', async () => {
    const engine = await load({ model: randomModel(), parallel: 1, queue: 2 })
    const replies = Array.from({ length: 4 }, () => engine.chat(ask, { ignoreEos: true }))
    expect((await errorOf(replies[3]?.accepted as Promise<unknown>)).code).toBe('ERR_OVERLOADED')
    expect(engine.stats().started).toBe(3)
    await engine.close()
    await expect(replies[0]?.done).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })

  test('where it waited too long in the queue', async () => {
    // It is not parked, though nobody reads it: so it would give up its slot.
    const roomy = { model: randomModel({ context: 2 ** 16 }), context: 2 ** 16, window: 2 ** 16 }
    const engine = await load({ ...roomy, parallel: 1, queueDeadlineMs: 300 })
    const first = engine.chat(ask, { ignoreEos: true })
    await first.accepted
    const second = engine.chat(ask)
    expect((await errorOf(second.done)).code).toBe('ERR_QUEUE_TIMEOUT')
    await engine.close()
  })

  test('though not for its deadline while a slot is free', async () => {
    const engine = await load({ model: randomModel(), queueDeadlineMs: 1 })
    const reply = engine.complete('word '.repeat(2000), { maxTokens: 1 })
    expect((await reply.done).usage.completionTokens).toBe(1)
    await engine.close()
  })

  test('where its prompt is too long however it is tokenized, without tokenizing it', async () => {
    const engine = await load({ model: randomModel(), context: 64 })
    const error = await errorOf(engine.complete('word '.repeat(200_000)).accepted)
    expect(error.code).toBe('ERR_CONTEXT_LENGTH')
    expect(error.message).toContain('at least')
    await engine.close()
  })

  test('where its text would overflow the stack of a tokenizer built on std::regex', async () => {
    // 26,000 letters on end were the end of the process with a thread's usual stack.
    const model = randomModel({ preTokenizer: 'gpt-4o', context: 2 ** 20 })
    const engine = await load({ model, context: 2 ** 20, parallel: 1 })
    expect((await engine.tokenize('a'.repeat(999_000))).length).toBeGreaterThan(1000)
    const error = await errorOf(engine.tokenize('a'.repeat(1_000_001)))
    expect(error.code).toBe('ERR_INVALID_REQUEST')
    const tooLarge = await errorOf(engine.tokenize('word '.repeat(2_000_000)))
    expect(tooLarge.code).toBe('ERR_INVALID_REQUEST')
    await engine.close()
  })

  test('where its token ids are none', async () => {
    const engine = await load({ model: randomModel() })
    expect((await errorOf(engine.detokenize([1.5]))).code).toBe('ERR_INVALID_OPTION')
    expect((await errorOf(engine.detokenize([999_999]))).code).toBe('ERR_INVALID_REQUEST')
    await engine.close()
  })

  test('where the model has no chat template', async () => {
    const engine = await load({ model: randomModel({ chatTemplate: null }) })
    expect(engine.model.hasChatTemplate).toBe(false)
    const error = await errorOf(engine.chat(ask).accepted)
    expect(error.code).toBe('ERR_INVALID_REQUEST')
    expect(error.message).toContain('complete()')
    await engine.close()
  })

  // llama.cpp's parser of replies recurses with each: 300,000 were the end of the process.
  test('where its reply goes on with more brackets than can be read', async () => {
    const file = 'deps/llama.cpp/models/templates/Qwen-Qwen2.5-7B-Instruct.jinja'
    const chatTemplate = readFileSync(file, 'utf8')
    const model = randomModel({ tokenizer: 'gpt-2', context: 32_768, chatTemplate })
    const engine = await load({ model, context: 32_768, parallel: 1 })
    const content = `<tool_call>\n{"name": "run", "arguments": ${'['.repeat(40_000)}`
    const reply = engine.chat([...ask, { role: 'assistant', content }], {
      tools: [{ name: 'run' }],
    })
    const error = await errorOf(reply.done)
    expect(error.code).toBe('ERR_INVALID_REQUEST')
    expect(error.message).toContain('opening brackets')
    await engine.close()
  })

  test('where the template refuses the messages, in the template’s words', async () => {
    const chatTemplate = "{{ raise_exception('only poems here') }}"
    const engine = await load({ model: randomModel({ chatTemplate }) })
    const error = await errorOf(engine.chat(ask).accepted)
    expect(error.code).toBe('ERR_INVALID_REQUEST')
    expect(error.message).toContain('only poems here')
    await engine.close()
  })

  test('where a bias is on a token that does not exist, or the prompt is empty', async () => {
    const engine = await load({ model: randomModel() })
    const biased = engine.chat(ask, { logitBias: { 999999: 1 } })
    expect((await errorOf(biased.accepted)).message).toContain('999999')
    expect((await errorOf(engine.complete('').accepted)).code).toBe('ERR_INVALID_REQUEST')
    expect(() => engine.chat([])).toThrow(SluiceError)
    await engine.close()
  })

  test('where the engine closes, at once, though a text is being tokenized', async () => {
    const engine = await load({ model: 'models/storyteller.gguf', parallel: 2, queue: 100 })
    const text = 'Once upon a time there was a fox. '.repeat(30_000)
    const startedAt = performance.now()
    const after = () => performance.now() - startedAt
    const waiting = [
      ...Array.from({ length: 50 }, () => engine.tokenize(text)),
      ...Array.from({ length: 50 }, () => engine.complete('Once').done),
    ]
    const ends = waiting.map((one) => one.catch((error) => ({ code: error.code, at: after() })))
    const closed = engine.close().then(after)
    for (const end of await Promise.all(ends)) {
      expect(end).toMatchObject({ code: 'ERR_CLOSED' })
      expect((end as { at: number }).at).toBeLessThan(await closed)
    }
  })

  test('where the engine was closed before', async () => {
    const engine = await load({ model: randomModel() })
    await engine.close()
    expect((await errorOf(engine.chat(ask).done)).code).toBe('ERR_CLOSED')
    expect((await errorOf(engine.tokenize('a'))).code).toBe('ERR_CLOSED')
    await engine.close()
  })
})
