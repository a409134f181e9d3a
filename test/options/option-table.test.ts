import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import { createServer, fetchHandler, requestListener } from '../../src/http/index.js'
import { type Engine, estimate, load, SluiceError } from '../../src/index.js'
import { FakeAddon } from '../support/fake-binding.js'
import { fieldsOfInterfaces } from '../support/interface-fields.js'

// Every function that takes options, and every option that its type has: one voice for all.

const addon = new FakeAddon()
const embedder = new FakeAddon({ embedding: { size: 4 } as never })
let engine: Engine
let embedding: Engine

beforeAll(async () => {
  useBinding(embedder)
  embedding = await load({ model: 'embeds.gguf' })
  useBinding(addon)
  engine = await load({ model: 'fake.gguf' })
})
afterAll(async () => {
  await Promise.all([engine.close(), embedding.close()])
  useBinding(undefined)
})

const ask = [{ role: 'user' as const, content: 'x' }]
type Options = never

/** A function, what interface its options have, and a call with them. */
const functions: [name: string, type: string, call: (options: Options) => unknown][] = [
  ['load', 'LoadOptions', (options) => load(options)],
  ['estimate', 'EstimateOptions', (options) => estimate('a.gguf', options)],
  ['createServer', 'ServerOptions', (options) => createServer(options)],
  ['requestListener', 'ListenerOptions', (options) => requestListener(options)],
  ['fetchHandler', 'FetchHandlerOptions', (options) => fetchHandler(options)],
  ['chat', 'ChatOptions', (options) => engine.chat(ask, options)],
  ['complete', 'CompletionOptions', (options) => engine.complete('x', options)],
  ['embed', 'EmbedOptions', (options) => embedding.embed('x', options)],
  ['tokenize', 'TokenizeOptions', (options) => engine.tokenize('x', options)],
  ['detokenize', 'TextOptions', (options) => engine.detokenize([1], options)],
  ['pieces', 'TextOptions', (options) => engine.pieces([1], options)],
  ['prepareTools', 'TextOptions', (options) => engine.prepareTools([], options)],
  ['applyTemplate', 'TemplateOptions', (options) => engine.applyTemplate(ask, options)],
  ['applyTemplate, its third', 'TextOptions', (options) => engine.applyTemplate(ask, {}, options)],
  ['countTokens', 'TemplateOptions', (options) => engine.countTokens(ask, options)],
  ['fit', 'FitOptions', (options) => engine.fit(ask, options)],
  ['countTokens, its third', 'TextOptions', (options) => engine.countTokens(ask, {}, options)],
  ['drain', 'DrainOptions', (options) => createServer({ engine }).drain(options)],
]

/** What a call needs beside the option that is looked at. */
const needed: Record<string, object> = {
  LoadOptions: { model: 'a.gguf' },
  ServerOptions: { engine: {} },
  ListenerOptions: { engine: {} },
  FetchHandlerOptions: { engine: {} },
}

const fields = fieldsOfInterfaces([
  'src/api/types.ts',
  'src/api/fit-types.ts',
  'src/api/embedding-types.ts',
  'src/http/options.ts',
])
const each = functions.flatMap(([name, type, call]) => {
  return (fields(type) as string[]).map((option) => [name, option, type, call] as const)
})

/** every() would pass over the hole. */
const holed = [1, 2, 3]
delete holed[1]

class Own {
  readonly temperatur = 0
}
class Defaults {
  readonly maxTokens = 7
  readonly #temperature = 0.5
  get temperature() {
    return this.#temperature
  }
  warmer() {
    return this.#temperature + 1
  }
}
/** As older compilers write classes: methods are listed beside what is inherited. */
const old: object = Object.create({ maxTokens: 7, temperature: 0.5, warmer: () => 1 })
const revoked = Proxy.revocable({}, {})
revoked.revoke()

/** What no option of any function is. */
const nowhereRight: [what: string, value: unknown, came: string][] = [
  ['null', null, 'null'],
  ['NaN', Number.NaN, 'NaN'],
  ['a bigint', 5n, '5n'],
  ['a symbol', Symbol('x'), 'Symbol(x)'],
  ['a Map', new Map([['a', 1]]), 'an object of class Map'],
  ['a string of blanks', ' \n ', '" \\n "'],
  ['an array of arrays', [[]], 'an array of 1'],
]

async function refusal(call: () => unknown): Promise<SluiceError & { option: string }> {
  try {
    await call()
  } catch (error) {
    expect(error).toBeInstanceOf(SluiceError)
    return error as SluiceError & { option: string }
  }
  throw new Error('nothing was refused')
}

/** The options with that one, in the place of a getter too. */
function withOption(type: string, option: string, value: unknown): never {
  const own = { ...needed[type], [option]: value }
  return ('engine' in own && option !== 'engine' ? { ...own, engine } : own) as never
}

test('the table has every option of every type', () => {
  expect(each.length).toBeGreaterThan(130)
  expect(fields('ChatOptions')).toEqual(expect.arrayContaining(['temperature', 'tools', 'signal']))
  expect(fields('ServerOptions')).toEqual(expect.arrayContaining(['engine', 'port', 'onLog']))
})

describe.each(each)('%s: %s', (_, option, type, call) => {
  test('is refused by its name where it has the wrong type, with what came', async () => {
    for (const [what, value, came] of nowhereRight) {
      if (what === 'a string of blanks' && takesAnyText.includes(option)) continue
      const error = await refusal(() => call(withOption(type, option, value)))
      expect([what, error.message]).toEqual([what, expect.stringContaining(`'${option}`)])
      expect([what, error.message]).toEqual([
        what,
        expect.stringMatching(/: expected .+, but got .+\.$/s),
      ])
      if (what === 'an array of arrays') expect(error.option.startsWith(option)).toBe(true)
      else if (option !== 'schema' && !secrets.includes(option)) {
        expect([what, error.message]).toEqual([what, expect.stringContaining(came)])
        expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option })
      }
    }
  })

  test('is refused by its name where its getter throws, with what it threw', async () => {
    const options = withOption(type, option, undefined) as object
    Object.defineProperty(options, option, {
      enumerable: true,
      get: () => {
        throw new Error('not today')
      },
    })
    const error = await refusal(() => call(options as never))
    expect(error).toMatchObject({
      code: 'ERR_INVALID_OPTION',
      option,
      cause: { message: 'not today' },
    })
    expect(error.message).toContain('not today')
    const proxy = withOption(type, option, revoked.proxy)
    expect(await refusal(() => call(proxy))).toMatchObject({ option })
  })

  test('is refused where it is misspelt, and the nearest is named', async () => {
    const misspelt = `${option}${option.at(-1)}`
    const error = await refusal(() => call(withOption(type, misspelt, 1)))
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option: misspelt })
    expect(error.message).toMatch(new RegExp(`^'${misspelt}': expected one of the options .+1\\. `))
    expect(error.message).toContain(`Did you mean '${option}'?`)
    const snake = option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    if (snake === option) return
    const other = await refusal(() => call(withOption(type, snake, 1)))
    expect(other.message).toContain(`Did you mean '${option}'?`)
  })
})

/** Text of any kind, paths and names included. */
const takesAnyText: readonly string[] = [
  'model',
  'draft',
  'chatTemplate',
  'cacheDir',
  'cacheSalt',
  'owner',
  'stop',
  'grammar',
  'regex',
  'suffix',
]
const secrets = ['apiKeys', 'tls']

describe.each(functions)('%s', (_, type, call) => {
  test.each([
    ['null', null],
    ['a number', 5],
    ['a string', 'fast'],
    ['an array', []],
    ['a function', () => undefined],
    ['a Map', new Map()],
    ['a Date', new Date()],
    ['an Error', new Error('x')],
    ['an AbortSignal', AbortSignal.abort()],
    ['URLSearchParams', new URLSearchParams('temperature=0')],
    ['a promise', Promise.resolve({})],
    ['a revoked Proxy', revoked.proxy],
  ])('refuses %s in the place of its options', async (what, options) => {
    const error = await refusal(() => call(options as never))
    expect([what, error]).toMatchObject([what, { code: 'ERR_INVALID_OPTION', option: 'options' }])
    expect(error.message).toMatch(/^'options': expected an object .+, but got .+\.$/)
  })

  test.each<[string, object]>([
    ['an instance of a class', new Own()],
    ['what inherits its options', Object.create({ temperatur: 0 })],
  ])('reads %s, and refuses what is misspelt there', async (_, options) => {
    const error = await refusal(() => call(options as never))
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'temperatur' })
  })

  test('refuses a Proxy whose names cannot be read', async () => {
    const silent = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('not today')
        },
      },
    )
    const error = await refusal(() => call(silent as never))
    expect(error).toMatchObject({ option: 'options', cause: { message: 'not today' } })
  })

  test('takes undefined for each of its options, and an object without a prototype', async () => {
    const none = Object.fromEntries((fields(type) as string[]).map((name) => [name, undefined]))
    const bare = Object.assign(Object.create(null), none, needed[type])
    if ('engine' in bare) bare.engine = engine
    const made = await call(bare as never)
    if (type === 'LoadOptions') await (made as Engine).close()
    if (type === 'ChatOptions' || type === 'CompletionOptions') {
      await (made as ReturnType<Engine['chat']>).done
    }
  })
})

test('a refused option never reaches the engine', () => {
  expect(addon.engines[0]?.submitted).toHaveLength(2) // the two that were right
})

test.each<[string, object]>([
  ['an instance of a class, with a getter of its class', new Defaults()],
  ['what inherits them', Object.create({ maxTokens: 7, temperature: 0.5 })],
  ['an instance of an older kind of class', old],
  ['what is frozen', Object.freeze({ maxTokens: 7, temperature: 0.5 })],
])('options are taken of %s', async (_, options) => {
  const before = addon.engines[0]?.submitted.length ?? 0
  await engine.chat(ask, options).done
  const [submitted] = addon.engines[0]?.submitted.slice(before) ?? []
  expect(submitted).toMatchObject({ maxTokens: 7, temperature: 0.5 })
})

test('a message may be an instance of a class', async () => {
  class Message {
    readonly role = 'user'
    readonly content = 'x'
  }
  await expect(engine.chat([new Message()]).done).resolves.toBeDefined()
})

const wrongPlace = [{ apiKeys: ['k'] }] as unknown as []

describe('an argument that is no option', () => {
  test.each<[string, string, () => unknown]>([
    ['load', 'options', () => load(null as never)],
    ['load', 'model', () => load({ model: 5 } as never)],
    ['estimate', 'file', () => estimate(5 as never)],
    ['estimate', 'model', () => estimate({ model: 5 } as never)],
    ['estimate', 'file', () => estimate(revoked.proxy as never)],
    ['createServer', 'engine', () => createServer({} as never)],
    ['createServer', 'options', () => createServer(engine as never)],
    ['createServer', 'apiKeys', () => createServer({ engine }, ...wrongPlace)],
    ['requestListener', 'options', () => requestListener(engine as never)],
    ['requestListener', 'apiKeys', () => requestListener({ engine }, ...wrongPlace)],
    ['createServer', 'engine', () => createServer({ engine: {} } as never)],
    ['requestListener', 'port', () => requestListener({ engine, port: 80 } as never)],
    ['chat', 'messages', () => engine.chat(undefined as never)],
    ['chat', 'messages', () => engine.chat({ role: 'user', content: 'x' } as never)],
    ['chat', 'messages', () => engine.chat(revoked.proxy as never)],
    ['chat', 'messages[0]', () => engine.chat(new Array(2 ** 32 - 1) as never)],
    ['chat', 'messages[0].contents', () => engine.chat([{ ...ask[0], contents: 1 }] as never)],
    ['complete', 'prompt', () => engine.complete(undefined as never)],
    ['complete', 'prompt', () => engine.complete(revoked.proxy as never)],
    ['complete', 'prompt', () => engine.complete(new Proxy(Int32Array.of(1), {}))],
    ['complete', 'prompt[1]', () => engine.complete(holed)],
    ['embed', 'input', () => embedding.embed(null as never)],
    ['embed', 'input', () => embedding.embed(revoked.proxy as never)],
    ['tokenize', 'text', () => engine.tokenize(5 as never)],
    ['detokenize', 'tokens', () => engine.detokenize('x' as never)],
    ['detokenize', 'tokens', () => engine.detokenize(holed)],
    ['pieces', 'tokens', () => engine.pieces([-1])],
    ['countTokens', 'messages', () => engine.countTokens([])],
    ['close', 'force', () => engine.close(...([{ force: true }] as unknown as []))],
    ['listen', 'listen()', () => createServer({ engine }).listen(...([3000] as unknown as []))],
    [
      'close',
      'deadlineMs',
      () => createServer({ engine }).close(...([{ deadlineMs: 1 }] as unknown as [])),
    ],
    ['stop', 'stop', () => engine.chat(ask, { stop: holed as never })],
    ['tensorSplit', 'tensorSplit', () => load({ model: 'a', tensorSplit: holed })],
    ['logitBias', 'logitBias', () => engine.chat(ask, { logitBias: new Map([[1, 1]]) as never })],
    ['tools', 'tools[0]', () => engine.chat(ask, { tools: new Array(2) })],
    [
      'reasoning',
      'reasoning.effor',
      () => engine.chat(ask, { reasoning: { effor: 'x' } as never }),
    ],
    [
      'reasoning',
      'reasoning.budgets',
      () => load({ model: 'a', reasoning: { budgets: 1 } as never }),
    ],
    ['sampling', 'sampling.topKey', () => load({ model: 'a', sampling: { topKey: 1 } as never })],
    [
      'toolChoice',
      'toolChoice.type',
      () => engine.chat(ask, { toolChoice: { name: 'x', type: 1 } as never }),
    ],
    ['drain', 'deadlineMs', () => createServer({ engine }).drain({ deadlineMs: '5' as never })],
    ['allowHosts', 'allowHosts', () => createServer({ engine, allowHosts: ['app.example:80'] })],
    ['aliases', 'aliases', () => createServer({ engine, aliases: 'small' as never })],
  ])('of %s is blamed as %s', async (_, option, call) => {
    const error = await refusal(call)
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option })
    expect(error.message).toMatch(/^'[^']+': expected .+, but got .+\.( Did you mean '\w+'\?)?$/)
  })

  test.each<[string, unknown[]]>([
    ["a signal's", ['SIGTERM', 15]],
    ["an AbortSignal's", [new Event('abort')]],
    ["an error's", [new Error('x')]],
    ["an exit's", [0]],
    ["an app's", [{ version: '5', close: () => undefined }]],
  ])('may be a bound close() where it is a listener, also %s', async (_, given) => {
    const own = await load({ model: 'b.gguf' })
    const server = createServer({ engine: own })
    await server.close(...(given as []))
    await own.close(...(given as []))
    expect(own.closed).toBe(true)
  })

  test.each<[string, unknown[]]>([
    ["a signal's", ['SIGTERM', 15]],
    ["an AbortSignal's", [new Event('abort')]],
  ])('may be a bound drain() where it is a listener, also %s', async (_, given) => {
    const server = createServer({ engine })
    await server.drain(...(given as []))
    await expect(server.drain('fast' as never)).rejects.toThrow("'options'")
  })

  test('is refused where close() cannot look at it', async () => {
    const error = await refusal(() => engine.close(...([revoked.proxy] as unknown as [])))
    expect(error).toMatchObject({ option: 'options' })
    expect(engine.closed).toBe(false)
  })
})

test('a message never has a key in it', async () => {
  for (const apiKeys of ['my-secret', ['my secret'], ['ok', 'my\nsecret'], [Object('my-secret')]]) {
    const error = await refusal(() => createServer({ engine, apiKeys: apiKeys as never }))
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'apiKeys' })
    expect(error.message).not.toContain('secret')
  }
})

test('isolateKeys of a text is no truth', async () => {
  const given = { engine, apiKeys: ['k'], isolateKeys: 'false' as never }
  const error = await refusal(() => createServer(given))
  expect(error.message).toBe(`'isolateKeys': expected true or false, but got "false".`)
})

test('a long name is shown in part', async () => {
  const error = await refusal(() => engine.chat(ask, { ['x'.repeat(1e6)]: 1 } as never))
  expect(error.message.length).toBeLessThan(1000)
})
