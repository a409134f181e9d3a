import { describe, expect, test } from 'vitest'
import type { NativeChat, NativeRequest } from '../../../src/binding/engine-port.js'
import type { FakePart, Script } from '../../support/fake-engine.js'
import { closeAfterEach, serve } from '../../support/serve.js'
import { wireCheck } from '../../support/wire/checks.mjs'
import { askResponse, respond, streamed } from '../../support/wire/responses.js'

// Tools of responses, over the fake: what the model is offered, and what its calls become.

closeAfterEach()

const input = 'And in Paris?'
const weather = {
  type: 'function',
  name: 'get_weather',
  description: 'Tells the weather',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  strict: true,
}
const shell = { type: 'custom', name: 'sh', description: 'Runs a command' }
const patch = {
  type: 'custom',
  name: 'apply_patch',
  format: { type: 'grammar', syntax: 'lark', definition: 'start: "x"' },
}
const crm = {
  type: 'namespace',
  name: 'crm',
  description: 'Customers',
  tools: [
    { type: 'function', name: 'find', parameters: { type: 'object' } },
    { type: 'custom', name: 'note' },
  ],
}

function conversation({ prompt }: NativeRequest): NativeChat {
  if (typeof prompt === 'object' && 'messages' in prompt) return prompt
  throw new Error('the prompt is no conversation')
}

/** A call in pieces, the first of which has its name. */
function calling(index: number, name: string, ...pieces: string[]): FakePart[] {
  const first = { index, id: `call_${index}`, name, arguments: '' }
  const others = pieces.map((piece) => ({ index, arguments: piece }))
  return [first, ...others].map((delta) => ({ toolCalls: [delta] }))
}

const script = (...tokens: FakePart[]) => ({
  script: (): Script => ({ tokens, end: 'tool_calls' }),
})

describe(wireCheck(49, 50), () => {
  test('functions, custom tools and those of a namespace are offered, one by one', async () => {
    const { url, native } = await serve()
    await askResponse(url, { input, tools: [weather, shell, patch, crm] })
    const { tools } = conversation(native.submitted[0] as NativeRequest)
    expect(tools.map(({ name, description }) => [name, description])).toEqual([
      ['get_weather', 'Tells the weather'],
      ['sh', 'Runs a command'],
      ['apply_patch', 'The input must follow this lark:\nstart: "x"'],
      ['crm__find', ''],
      ['crm__note', ''],
    ])
    expect(JSON.parse(tools[1]?.parameters ?? '')).toEqual({
      type: 'object',
      properties: { input: { type: 'string' } },
      required: ['input'],
      additionalProperties: false,
    })
  })
})

describe(wireCheck(49), () => {
  test("a call of a namespace's tool has both names as the request gave them", async () => {
    const { url } = await serve(script(...calling(0, 'crm__find', '{}')))
    const { output } = await respond(url, { input, tools: [crm] })
    expect(output).toMatchObject([{ type: 'function_call', name: 'find', namespace: 'crm' }])
  })
})

test('tools are told back as OpenAI declares them, whoever’s words they came in', async () => {
  const { url } = await serve()
  const parameters = weather.parameters
  const given = [
    { type: null, name: 'a', parameters, strict: null },
    { name: 'b', input_schema: parameters },
    { type: 'function', function: { name: 'c', description: 'C', inputSchema: parameters } },
    { name: 'd', parameters: JSON.stringify(parameters), description: null },
    { name: 'e', parameters: 7 },
    { type: 'custom', custom: { name: 'f', description: 'F' } },
    { ...crm, tools: [{ name: 'g', parameters }] },
    { type: 'web_search' },
  ]
  const { tools } = await respond(url, { input, tools: given })
  const told = (name: string, more: object = {}) => {
    return { type: 'function', name, parameters, strict: null, ...more }
  }
  expect(tools).toEqual([
    told('a'),
    told('b'),
    told('c', { description: 'C' }),
    told('d'),
    told('e', { parameters: null }),
    { type: 'custom', name: 'f', description: 'F' },
    { ...crm, tools: [told('g')] },
    { type: 'web_search' },
  ])
})

test('a tool that runs elsewhere is told of by its place in a namespace', async () => {
  const { url } = await serve()
  const space = { ...crm, tools: [...crm.tools, { type: 'web_search' }] }
  const response = await askResponse(url, { input, tools: [weather, space] })
  expect(response.status).toBe(200)
  expect(response.headers.get('x-sluice-notes')).toBe(
    'tools[1].tools[2].type: expected a tool of type "function", but got "web_search"; ' +
      'taken as: left out',
  )
})

test('tools that run elsewhere are left out without an error, which a header tells', async () => {
  const { url, native } = await serve()
  const elsewhere = ['web_search', 'file_search', 'image_generation', 'local_shell', 'mcp']
  const tools = [...elsewhere.map((type) => ({ type })), weather]
  const response = await askResponse(url, { input, tools })
  expect(response.status).toBe(200)
  expect(response.headers.get('x-sluice-notes')).toContain('tools[0].type')
  expect(conversation(native.submitted[0] as NativeRequest).tools).toHaveLength(1)
  const alone = await askResponse(url, { input, tools: [{ type: 'web_search' }] })
  expect(alone.status).toBe(200)
})

describe('a function call', () => {
  const paris = calling(0, 'get_weather', '{"ci', 'ty": "Par', 'is"}')
  const rome = calling(1, 'get_weather', '{"city": "Rome"}')

  test('is an item of its own, whose arguments come piece by piece', async () => {
    const { url } = await serve(script({ text: 'Let me see.' }, ...paris, ...rome))
    const events = await streamed(url, { input, tools: [weather] })
    const ofCall = events.filter(({ output_index: index }) => index === 1)
    expect(ofCall.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1])).toEqual([
      'response.output_item.added',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      'response.output_item.done',
    ])
    expect(ofCall.at(-2)).toMatchObject({ name: 'get_weather', arguments: '{"city": "Paris"}' })
    const made = (index: number, city: string) => ({
      type: 'function_call',
      id: expect.stringMatching(/^fc_/),
      call_id: `call_${index}`,
      name: 'get_weather',
      arguments: `{"city": "${city}"}`,
      status: 'completed',
    })
    const output = [{ type: 'message' }, made(0, 'Paris'), made(1, 'Rome')]
    expect(events.at(-1)).toMatchObject({ type: 'response.completed', response: { output } })
    expect(await respond(url, { input, tools: [weather] })).toMatchObject({
      status: 'completed',
      output,
    })
  })

  test('alone has no message beside it', async () => {
    const { url } = await serve(script(...paris))
    const { output } = await respond(url, { input, tools: [weather] })
    expect(output.map(({ type }) => type)).toEqual(['function_call'])
  })

  test('that is cut is incomplete, with what there was of its arguments', async () => {
    const { url } = await serve(script(...paris))
    const { status, output } = await respond(url, { input, tools: [weather], max_output_tokens: 3 })
    expect(status).toBe('incomplete')
    expect(output).toMatchObject([{ status: 'incomplete', arguments: '{"city": "Par' }])
  })
})

describe(wireCheck(50), () => {
  const text = 'say "hi"\n\\ é 🦊'
  const json = JSON.stringify({ input: text })
  const escaped = json.replace('🦊', '\\ud83e\\udd8a').replace('é', '\\u00e9')

  test.each([
    ['as it is', [json]],
    ['character by character', [...json]],
    ['in escapes, character by character', [...escaped]],
    ['with blanks', [` {\n "input" : ${JSON.stringify(text)} }\n`]],
  ])('a custom tool’s call is one text, written %s', async (_, pieces) => {
    const { url } = await serve(script(...calling(0, 'sh', ...pieces)))
    const events = await streamed(url, { input, tools: [shell] })
    const deltas = events.filter(({ type }) => type === 'response.custom_tool_call_input.delta')
    expect(deltas.map(({ delta }) => delta).join('')).toBe(text)
    for (const { delta = '' } of deltas) expect(Buffer.from(delta).toString()).toBe(delta)
    expect(events.at(-1)?.response?.output).toEqual([
      {
        type: 'custom_tool_call',
        id: expect.stringMatching(/^ctc_/),
        call_id: 'call_0',
        name: 'sh',
        input: text,
      },
    ])
  })

  test('a custom tool’s text comes as it is written, and does not wait for its end', async () => {
    const { url, native } = await serve({
      pace: 'manual',
      ...script(...calling(0, 'sh', '{"input":"one', ' two', ' three"}')),
    })
    const asked = streamed(url, { input, tools: [shell] })
    const stepping = setInterval(() => native.step(), 2)
    const deltas = (await asked).filter(({ type }) => type.endsWith('input.delta'))
    clearInterval(stepping)
    expect(deltas.length).toBeGreaterThan(1)
  })

  test('a custom tool’s call that is cut has what there was of its text', async () => {
    const { url } = await serve(script(...calling(0, 'sh', '{"input":"one', ' two\\u00', 'e9"}')))
    const body = { input, tools: [shell], max_output_tokens: 3 }
    expect(await respond(url, body)).toMatchObject({
      status: 'incomplete',
      output: [{ input: 'one two' }],
    })
  })

  test('a custom tool’s call of another form is told as it stands', async () => {
    for (const [written, told] of [
      ['{"other": 1, "input": "x"}', 'x'],
      ['{"command": "ls"}', '{"command": "ls"}'],
    ] as const) {
      const { url } = await serve(script(...calling(0, 'sh', written)))
      expect((await respond(url, { input, tools: [shell] })).output).toMatchObject([
        { input: told },
      ])
    }
  })
})

test.each([
  ['required', {}, ['get_weather', 'sh', 'crm__find', 'crm__note']],
  [{ type: 'function', name: 'get_weather' }, {}, ['get_weather']],
  [{ type: 'custom', name: 'sh' }, {}, ['sh']],
  [{ type: 'function', name: 'find' }, {}, ['crm__find']],
  [
    {
      type: 'allowed_tools',
      mode: 'required',
      tools: [{ type: 'function', name: 'get_weather' }, { type: 'web_search' }],
    },
    {},
    ['get_weather'],
  ],
])('the choice %j is kept to', async (tool_choice, more, callable) => {
  const { url, native } = await serve()
  const body = { input, tools: [weather, shell, crm], tool_choice, ...more }
  const response = await askResponse(url, body)
  expect(await response.json()).toMatchObject({ tool_choice })
  const { tools, toolChoice } = conversation(native.submitted[0] as NativeRequest)
  expect(toolChoice).toBe('required')
  expect(tools.filter(({ isCallable }) => isCallable).map(({ name }) => name)).toEqual(callable)
})

test('a schema that a strict tool cannot be held to is refused by its path', async () => {
  const { url } = await serve()
  const parameters = { type: 'object', properties: { a: { type: 'wizard' } } }
  const wrong = { type: 'function', name: 'x', parameters, strict: true }
  for (const [tools, param] of [
    [[{ type: 'web_search' }, wrong], 'tools[1].parameters.properties.a.type'],
    [[{ ...crm, tools: [wrong] }], 'tools[0].tools[0].parameters.properties.a.type'],
  ] as const) {
    const response = await askResponse(url, { input, tools })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: 'invalid_schema', param } })
  }
})
