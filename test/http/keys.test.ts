import { describe, expect, test } from 'vitest'
import { InvalidOptionError } from '../../src/api/errors.js'
import type { ChatOptions } from '../../src/api/types.js'
import type { NativeChat, NativeRequest } from '../../src/binding/engine-port.js'
import { chat, closeAfterEach, postJson, serve, story } from '../support/serve.js'

// Keys that an object has by its prototype are keys like all others, wherever a request may name
// keys: over HTTP as in process.

closeAfterEach()

const words = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'valueOf',
  'hasOwnProperty',
  'isPrototypeOf',
  '__defineGetter__',
]

/** An object with a key of its own, as JSON.parse makes it. */
function keyed(key: string, value: unknown): Record<string, unknown> {
  return JSON.parse(`{${JSON.stringify(key)}: ${JSON.stringify(value)}}`)
}

const messages = [{ role: 'user' as const, content: 'Tell me a story' }]

/** What an engine in the same process is asked, and what over HTTP. */
async function both(options: ChatOptions, fields: object): Promise<NativeRequest[]> {
  const { engine, url, native } = await serve()
  await engine.chat(messages, { ...options, seed: 1, maxTokens: 5 }).done
  const response = await chat(url, story({ ...fields, seed: 1, max_tokens: 5, stream: false }))
  expect([response.status, await response.text()]).toEqual([200, expect.anything()])
  const [inProcess, overHttp] = native.submitted
  expect({ ...overHttp, id: 0 }).toEqual({ ...inProcess, id: 0 })
  expect({}).not.toHaveProperty('polluted')
  return native.submitted
}

function toolsOf(request: NativeRequest | undefined): NativeChat['tools'] {
  return (request?.prompt as NativeChat | undefined)?.tools ?? []
}

const wireTool = (parameters: object, strict: boolean) => {
  return { type: 'function', function: { name: 'look', parameters, strict } }
}

describe.each(words)('%s', (word) => {
  const object = (schema: object) => ({
    type: 'object',
    properties: keyed(word, schema),
    required: [word],
    additionalProperties: false,
  })
  const schemas: [what: string, schema: object][] = [
    ['a property', object({ type: 'string', enum: ['polluted'] })],
    ['a property of a property', object(object({ type: 'integer' }))],
    [
      'a property of both of allOf',
      { allOf: [object({ type: 'number' }), object({ minimum: 1 })] },
    ],
    [
      'a property of one of allOf',
      { allOf: [{ properties: { a: {} } }, { properties: keyed(word, { type: 'null' }) }] },
    ],
    [
      'what tells two alternatives apart',
      {
        type: 'object',
        oneOf: [object({ const: 'a' }), object({ const: 'b' })],
      },
    ],
    ['a key of a value', { enum: [keyed(word, { polluted: 1 })] }],
    [
      'a required key without a schema',
      { type: 'object', required: [word], additionalProperties: { type: 'boolean' } },
    ],
    [
      'a key by propertyNames',
      { type: 'object', propertyNames: { enum: [word] }, additionalProperties: { type: 'null' } },
    ],
  ]

  test.each(schemas)('is %s of a schema', async (_, schema) => {
    const [first] = await both({ schema }, { json_schema: schema })
    expect(first?.grammar).toContain(word)
  })

  test('is a definition of a schema and of a tool', async () => {
    const schema = {
      $defs: keyed(word, { const: 'defined' }),
      properties: { a: { $ref: `#/$defs/${word}` } },
    }
    const [first] = await both({ schema }, { json_schema: schema })
    expect(first?.grammar).toContain('defined')
    const tool = { name: 'look', parameters: { type: 'object', ...schema } }
    await both({ tools: [tool] }, { tools: [wireTool(tool.parameters, false)] })
  })

  test.each(
    schemas.flatMap(([what, schema]) => [
      { what, schema, strict: true },
      { what, schema, strict: false },
    ]),
  )('is $what of a tool, strict: $strict', async ({ schema, strict }) => {
    const parameters = { type: 'object', properties: { a: schema }, required: ['a'] }
    const [first] = await both(
      { tools: [{ name: 'look', parameters, strict }] },
      { tools: [wireTool(parameters, strict)] },
    )
    const [tool] = toolsOf(first)
    expect(JSON.parse(tool?.parameters ?? '')).toEqual(parameters)
    expect(tool?.parameters).toContain(`"${word}"`)
  })

  test('is a property of tools that are written with tags', async () => {
    const parameters = object({ type: 'string' })
    const { engine, url, native } = await serve({ model: { callFormat: 'tagged' } })
    await engine.chat(messages, { tools: [{ name: 'look', parameters }], seed: 1 }).done
    const fields = { tools: [wireTool(parameters, false)], seed: 1, stream: false }
    expect((await chat(url, story(fields))).status).toBe(200)
    const tools = native.submitted.map(toolsOf)
    expect(tools[1]).toEqual(tools[0])
    expect(tools[0]?.[0]?.properties.map(({ name }) => name)).toEqual([word])
  })

  test('as a keyword is unknown, which changes nothing', async () => {
    for (const type of [{}, { type: 'string' }]) {
      const schema = { ...type, ...keyed(word, 1) }
      const [left] = await both({ schema }, { json_schema: schema })
      const [without] = await both({ schema: type }, { json_schema: type })
      expect(left?.grammar).toBe(without?.grammar)
    }
    const parameters = { type: 'object', properties: { a: { type: 'null', ...keyed(word, 1) } } }
    const tool = { name: 'look', parameters }
    const [left] = await both({ tools: [tool] }, { tools: [wireTool(parameters, false)] })
    const plain = { type: 'object', properties: { a: { type: 'null' } } }
    const [without] = await both(
      { tools: [{ ...tool, parameters: plain }] },
      { tools: [wireTool(plain, false)] },
    )
    const rules = (request?: NativeRequest) => toolsOf(request)[0]?.rules.replace(/s\d+r/g, 'r')
    expect(rules(left)).toBe(rules(without))
    expect(rules(left)).toContain('null')
  })

  test('is an unknown format, which binds nothing', async () => {
    const schema = { type: 'string', format: word }
    const [left] = await both({ schema }, { json_schema: schema })
    const [without] = await both(
      { schema: { type: 'string' } },
      { json_schema: { type: 'string' } },
    )
    expect(left?.grammar).toBe(without?.grammar)
  })

  test('is no token id', async () => {
    const { engine, url } = await serve()
    const logitBias = keyed(word, 1) as Record<number, number>
    expect(() => engine.chat(messages, { logitBias })).toThrow(InvalidOptionError)
    const response = await chat(url, story({ logit_bias: logitBias }))
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: { param: 'logit_bias' } },
    ])
  })

  test('passes where any key does, and is refused where none but some do', async () => {
    const { url } = await serve()
    const anywhere = { ...keyed(word, { polluted: 1 }), metadata: keyed(word, 'x'), stream: false }
    expect((await chat(url, story(anywhere))).status).toBe(200)
    const body = { model: 'default', prompt: 'a', ...keyed(word, 1) }
    expect((await postJson(url, '/v1/completions', body)).status).toBe(200)
    const kwargs = await chat(url, story({ chat_template_kwargs: keyed(word, 1), stream: false }))
    expect(kwargs.status).toBe(word.startsWith('__') ? 400 : 200)
    expect({}).not.toHaveProperty('polluted')
  })

  test('is the name of a tool, and what a choice names', async () => {
    const tools = [{ name: word, parameters: { type: 'object' } }]
    const wire = [{ type: 'function', function: { name: word, parameters: { type: 'object' } } }]
    const choice = { type: 'function', function: { name: word } }
    await both({ tools, toolChoice: { name: word } }, { tools: wire, tool_choice: choice })
  })
})
