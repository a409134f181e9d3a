import { createContext, runInContext, runInThisContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isError } from '../../src/api/realms.js'
import { reasonOf } from '../../src/api/show.js'
import { useBinding } from '../../src/binding/binding.js'
import { guarded } from '../../src/engine/callbacks.js'
import { createServer, describeFault } from '../../src/http/index.js'
import { type Engine, load } from '../../src/index.js'
import { FakeAddon } from '../support/fake-binding.js'

// What a caller of another realm gives is what it is: as in Jest, whose tests run in a context of
// their own, where no object is an `instanceof` of our classes.

const realm = createContext({ URL, AbortController, structuredClone })
const there = <T>(code: string): T => runInContext(code, realm) as T

const ask = [{ role: 'user' as const, content: 'x' }]
let addon: FakeAddon
let engine: Engine
let embedding: Engine
beforeAll(async () => {
  addon = new FakeAddon()
  useBinding(addon)
  engine = await load()
  useBinding(new FakeAddon({ embedding: { size: 4, pooling: 'mean' } }))
  embedding = await load()
})
afterAll(async () => {
  await Promise.all([engine.close(), embedding.close()])
  useBinding(undefined)
})

describe('token ids may be', () => {
  test.each([
    'Int32Array.of(1, 2)',
    'Uint32Array.of(1, 2)',
    'Uint16Array.of(1, 2)',
    'Uint8Array.of(1, 2)',
    '[1, 2]',
  ])('%s, of another realm and of ours', async (code) => {
    for (const tokens of [there<number[]>(code), runInThisContext(code) as number[]]) {
      await engine.complete(tokens).done
      const { prompt } = addon.engines[0]?.submitted.at(-1) ?? {}
      expect(prompt).toEqual(Int32Array.of(1, 2))
      await expect(engine.detokenize(tokens)).resolves.toBeTypeOf('string')
      await expect(engine.pieces(tokens)).resolves.toHaveLength(2)
      const { embeddings } = await embedding.embed([tokens, tokens])
      expect(embeddings).toHaveLength(2)
    }
  })

  test('no Buffer: it is a text that nobody decoded', async () => {
    const text = Buffer.from('Hello')
    expect(() => engine.complete(text as never)).toThrow("'prompt': expected a string")
    await expect(engine.detokenize(text as never)).rejects.toThrow("'tokens': expected")
    await expect(embedding.embed(text as never)).rejects.toThrow("'input")
  })

  test('the clone that a worker gets', async () => {
    const tokens = structuredClone(Int32Array.of(1, 2))
    await expect(engine.complete(tokens).done).resolves.toBeDefined()
  })

  test.each(['Float32Array.of(1, 2)', 'BigInt64Array.of(1n)', '({ 0: 1, length: 1 })'])(
    'not %s',
    (code) => {
      expect(() => engine.complete(there<number[]>(code))).toThrow("'prompt': expected a string")
    },
  )
})

describe('of another realm may be', () => {
  test.each<[string, string]>([
    ['options', '({ maxTokens: 3, stop: ["a"], logitBias: { 5: 1 } })'],
    ['a schema', '({ schema: { type: "object", properties: { a: { enum: [1] } } } })'],
    ['a regular expression', '({ regex: /[ab]{1,3}/u })'],
    [
      'tools',
      '({ tools: [{ name: "a", parameters: { type: "object" } }], toolChoice: { name: "a" } })',
    ],
    ['a signal', '({ signal: new AbortController().signal })'],
  ])('%s', async (_, code) => {
    await expect(engine.chat(ask, there<object>(code)).done).resolves.toBeDefined()
  })

  test('messages', async () => {
    const messages = there<typeof ask>('[{ role: "user", content: [{ type: "text", text: "x" }] }]')
    await expect(engine.chat(messages).done).resolves.toBeDefined()
  })

  test('the URL of a model', async () => {
    const model = there<URL>('new URL("file:///a/model.gguf")')
    const other = await load({ model })
    expect(other.model.id).toBe('model')
    await other.close()
  })

  test('a date in arguments of a call, which is its JSON', async () => {
    const messages = there<typeof ask>(
      '[{ role: "assistant", toolCalls: [{ name: "a", arguments: { at: new Date(0) } }] }]',
    )
    await expect(engine.countTokens([...messages, ...ask])).resolves.toBeGreaterThan(0)
  })

  test('a Map, which is refused as one of ours is', () => {
    const logitBias = there<Record<number, number>>('new Map([[1, 1]])')
    expect(() => engine.chat(ask, { logitBias })).toThrow('but got an object of class Map')
  })

  test('keys and the options of a server', async () => {
    const options = there<object>('({ apiKeys: ["k"], port: "0" })')
    expect(() => createServer(Object.assign(options, { engine }) as never)).not.toThrow()
  })

  test('what a listener is called with', async () => {
    const event = Object.create({ type: 'abort', preventDefault: () => undefined }) as never
    await expect(createServer({ engine }).drain(event)).resolves.toBeUndefined()
  })
})

describe('an error of another realm', () => {
  const thrown = there<Error>('new TypeError("torn")')

  test('is an error, and says what it says', () => {
    expect(thrown).not.toBeInstanceOf(Error)
    expect(isError(thrown)).toBe(true)
    expect(isError(AbortSignal.abort().reason)).toBe(true)
    expect(isError({ message: 'torn' })).toBe(false)
    expect(reasonOf(thrown)).toBe('torn')
    expect(describeFault(thrown)).toMatchObject({ name: 'TypeError' })
  })

  test('has its stack told where a callback throws it', () => {
    const told: string[] = []
    const emit = process.emitWarning
    process.emitWarning = ((_: string, { detail }: { detail: string }) => {
      told.push(detail)
    }) as never
    guarded('onLog', () => {
      throw thrown
    })()
    process.emitWarning = emit
    expect(told).toEqual([expect.stringMatching(/^TypeError: torn\n {4}at /)])
  })
})

describe('a regular expression', () => {
  test.each(['i', 'm', 's', 'v'])('with the flag %s is refused, which would be dropped', (flag) => {
    expect(() => engine.complete('x', { regex: new RegExp('a', flag) })).toThrow(
      "'regex': expected a regular expression without the flags i, m, s and v",
    )
  })
})
