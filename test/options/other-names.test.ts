import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import { createServer, requestListener } from '../../src/http/index.js'
import { type Engine, estimate, load } from '../../src/index.js'
import { FakeAddon } from '../support/fake-binding.js'

// A name that is no option is refused by every function, also where its value is undefined; and one
// that is known from elsewhere is told by our name.

const ask = [{ role: 'user' as const, content: 'x' }]
let engine: Engine
beforeAll(async () => {
  useBinding(new FakeAddon())
  engine = await load()
})
afterAll(async () => {
  await engine.close()
  useBinding(undefined)
})

const functions: Record<string, (options: never) => unknown> = {
  load: (options) => load(options),
  estimate: (options) => estimate('m.gguf', options),
  'estimate without a file': (options) => estimate(options),
  chat: (options) => engine.chat(ask, options),
  complete: (options) => engine.complete('x', options),
  embed: (options) => engine.embed('x', options),
  tokenize: (options) => engine.tokenize('x', options),
  detokenize: (options) => engine.detokenize([1], options),
  pieces: (options) => engine.pieces([1], options),
  applyTemplate: (options) => engine.applyTemplate(ask, options),
  'applyTemplate, of its text': (options) => engine.applyTemplate(ask, {}, options),
  countTokens: (options) => engine.countTokens(ask, options),
  prepareTools: (options) => engine.prepareTools([], options),
  createServer: (options) => createServer(Object.assign({ engine }, options)),
  requestListener: (options) => requestListener(Object.assign({ engine }, options)),
  drain: (options) => createServer({ engine }).drain(options),
}

async function messageOf(name: string, options: object): Promise<string> {
  try {
    await functions[name]?.(options as never)
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION' })
    return (error as Error).message
  }
  throw new Error('nothing was refused')
}

test.each(Object.keys(functions))('%s refuses a name that it does not know', async (name) => {
  expect(await messageOf(name, { qqqqqq: 1 })).toMatch(/^'qqqqqq': expected one of the options .+/)
  expect(await messageOf(name, { qqqqqq: undefined })).toContain('but got nothing')
})

describe('a name from elsewhere is told by ours', () => {
  test.each<[string, string, string]>([
    ['chat', 'max_tokens', 'maxTokens'],
    ['chat', 'maxtokens', 'maxTokens'],
    ['chat', 'max_completion_tokens', 'maxTokens'],
    ['complete', 'num_predict', 'maxTokens'],
    ['complete', 'n_predict', 'maxTokens'],
    ['chat', 'maxOutputTokens', 'maxTokens'],
    ['chat', 'top_p', 'topP'],
    ['chat', 'temp', 'temperature'],
    ['chat', 'repetition_penalty', 'repeatPenalty'],
    ['chat', 'stopSequences', 'stop'],
    ['chat', 'response_format', 'schema'],
    ['chat', 'tool_choice', 'toolChoice'],
    ['chat', 'abortSignal', 'signal'],
    ['embed', 'abortSignal', 'signal'],
    ['load', 'contextSize', 'context'],
    ['load', 'n_ctx', 'context'],
    ['load', 'modelPath', 'model'],
    ['load', 'nGpuLayers', 'gpuLayers'],
    ['load', 'n_gpu_layers', 'gpuLayers'],
    ['load', 'flash_attn', 'flashAttention'],
    ['estimate', 'num_ctx', 'context'],
    ['createServer', 'apikeys', 'apiKeys'],
    ['createServer', 'api_keys', 'apiKeys'],
    ['requestListener', 'apikeys', 'apiKeys'],
    ['requestListener', 'apiKey', 'apiKeys'],
    ['createServer', 'hostname', 'host'],
    ['createServer', 'cors', 'allowOrigins'],
    ['drain', 'timeout', 'deadlineMs'],
  ])('%s: %s is %s', async (name, given, ours) => {
    expect(await messageOf(name, { [given]: 1 })).toContain(` Did you mean '${ours}'?`)
  })

  test.each<[string, string, string]>([
    ['chat', 'systemPrompt', "Give a message { role: 'system', content } in front."],
    ['complete', 'stream', 'Each reply streams: read it with for await, or await its text().'],
    ['embed', 'input', 'It is the first argument, before the options.'],
  ])('%s: %s is done in another way', async (name, given, way) => {
    expect(await messageOf(name, { [given]: 1 })).toContain(way)
  })
})

describe('a port', () => {
  test.each([8080, '8080', '0', 65_535])('may be %j', async (port) => {
    expect(() => createServer({ engine, port })).not.toThrow()
  })

  test('as text is the one that is listened at', async () => {
    const server = createServer({ engine, port: '0' })
    const { port } = await server.listen()
    expect(port).toBeGreaterThan(0)
    await server.close()
  })

  test.each(['', ' 80', '80.5', '65536', '0x50', '-1', '80a', null])('may not be %j', (port) => {
    expect(() => createServer({ engine, port: port as never })).toThrow(
      "'port': expected a whole number from 0 to 65535",
    )
  })

  test('is the only number that may be text; of others the message says how it becomes one', () => {
    expect(() => createServer({ engine, pingMs: '100' as never })).toThrow(
      `'pingMs': expected a whole number from 1 to 2147483647, but got text: Number("100") is one.`,
    )
  })
})
