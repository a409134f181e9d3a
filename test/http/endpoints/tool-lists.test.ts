import { expect, test } from 'vitest'
import type { RequestNote } from '../../../src/api/types.js'
import { wireTools } from '../../../src/apis/openai/chat/tools.js'
import type { NativeChat, NativeRequest } from '../../../src/binding/engine-port.js'
import { readableSchema } from '../../../src/schema/reading/readable-schema.js'
import type { Script } from '../../support/fake-engine.js'
import { chat, closeAfterEach, serve, story } from '../../support/serve.js'
import { chunksOf } from '../../support/sse.js'

// Lists of tools as agents send them, over the fake.

closeAfterEach()

function conversation({ prompt }: NativeRequest): NativeChat {
  if (typeof prompt === 'object' && 'messages' in prompt) return prompt
  throw new Error('the prompt is no conversation')
}

const named = (name: string, more: object = {}) => ({
  type: 'function',
  function: { name, ...more },
})

/** The text of a schema of so many levels. */
function deep(levels: number): string {
  return `${'{"not":'.repeat(levels)}{}${'}'.repeat(levels)}`
}

async function ask(body: object) {
  const { url, native, log } = await serve()
  const response = await chat(url, story(body))
  const notes = response.headers.get('x-sluice-notes')
  await response.text()
  const [request] = native.submitted
  return { response, notes, sent: request && conversation(request as NativeRequest), log }
}

test.each<[tool: object, path: string]>([
  [named('b', { parameters: { required: null } }), 'tools[1].function.parameters.required'],
  [named('b', { parameters: { properties: [] } }), 'tools[1].function.parameters.properties'],
  [named('b', { parameters: 'none' }), 'tools[1].function.parameters'],
  [named('b', { description: 7 }), 'tools[1].function.description'],
  [named('b', { input_schema: {} }), 'tools[1].function.input_schema'],
  [{ name: 'b', input_schema: { type: 'int' } }, 'tools[1].input_schema.type'],
  [{ name: 'b', inputSchema: { required: 1 } }, 'tools[1].inputSchema.required'],
  [{ type: 'function', name: 'b', parameters: { items: null } }, 'tools[1].parameters.items'],
  [named('b', { parameters: '{"type":"object"}' }), 'tools[1].function.parameters'],
  [named('b', { parameters: deep(65) }), 'tools[1].function.parameters'],
  [named('b', { parameters: {}, inputSchema: {} }), 'tools[1].function.inputSchema'],
])('the tools %j are taken, and a header says how', async (tool, path) => {
  const { response, notes, sent } = await ask({ tools: [named('a'), tool, named('c')] })
  expect(response.status).toBe(200)
  expect(sent?.tools.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
  expect(notes).toContain(`${path}: expected`)
})

test.each([
  named('b', { parameters: null }),
  named('b', { description: null, strict: null }),
  { function: { name: 'b' } },
  { type: null, function: { name: 'b', parameters: { type: 'object' } } },
])('the tools %j are taken without a word', async (tool) => {
  const { notes, sent } = await ask({ tools: [named('a'), tool] })
  expect(sent?.tools.map(({ name }) => name)).toEqual(['a', 'b'])
  expect(notes).toBeNull()
})

test.each(['web_search', 'custom', 'namespace', 'code_interpreter'])(
  'a tool of type %s is left out, and others keep their places in errors',
  async (type) => {
    const { notes, sent } = await ask({ tools: [{ type }, named('a')] })
    expect(sent?.tools.map(({ name }) => name)).toEqual(['a'])
    expect(notes).toBe(
      `tools[0].type: expected a tool of type "function", but got "${type}"; taken as: left out`,
    )
    const strict = named('b', { parameters: { type: 'wizard' }, strict: true })
    const { response } = await ask({ tools: [{ type }, named('a'), strict] })
    expect(response.status).toBe(400)
  },
)

test('an error names the tool where the request has it', async () => {
  const { url } = await serve()
  const strict = { name: 'b', input_schema: { type: 'wizard' }, strict: true }
  const response = await chat(url, story({ tools: [{ type: 'web_search' }, strict] }))
  const param = 'tools[1].input_schema.type'
  expect(await response.json()).toMatchObject({
    error: { code: 'invalid_schema', param, message: expect.stringContaining(`'${param}'`) },
  })
})

test('the log is told of the same tools once, and not of what they say', async () => {
  const { url, log } = await serve()
  const tools = [named('a', { parameters: { type: 'wizard' } })]
  for (const _ of [1, 2]) await (await chat(url, story({ tools }))).text()
  await expect.poll(() => log.length).toBe(2)
  expect(log.map(({ notes }) => notes)).toEqual([['tools[0].function.parameters.type'], undefined])
  expect(JSON.stringify(log)).not.toContain('wizard')
})

test('a header of many notes is short, and ASCII', async () => {
  const tools = Array.from({ length: 99 }, (_, i) => named(`ä${i}`, { parameters: { type: 'ß' } }))
  const { notes } = await ask({ tools })
  expect(notes?.length).toBeLessThan(2100)
  expect(notes).toMatch(/ \| and \d+ more$/)
  expect(notes).toContain('\\u00df')
})

const some = { mode: 'required', tools: [named('b')] }
test.each<[choice: unknown, toolChoice: string, callable: string[]]>([
  ['any', 'required', ['a', 'b']],
  [{ type: 'any' }, 'required', ['a', 'b']],
  [{ type: 'auto' }, 'auto', ['a', 'b']],
  ['b', 'required', ['b']],
  [{ type: 'function', name: 'b' }, 'required', ['b']],
  [{ type: 'tool', name: 'b' }, 'required', ['b']],
  [{ type: 'allowed_tools', allowed_tools: some }, 'required', ['b']],
  [{ type: 'allowed_tools', ...some, mode: 'auto' }, 'auto', ['b']],
  [{ type: 'allowed_tools', allowed_tools: { tools: [] } }, 'none', []],
])('tool_choice %j is taken as OpenAI means it', async (choice, toolChoice, callable) => {
  const { sent } = await ask({ tools: [named('a'), named('b')], tool_choice: choice })
  expect(sent?.toolChoice).toBe(toolChoice)
  expect(sent?.tools.filter(({ isCallable }) => isCallable).map(({ name }) => name)).toEqual(
    callable,
  )
})

test('the allowed tools are all in the prompt', async () => {
  const choice = { type: 'allowed_tools', allowed_tools: some }
  const { sent } = await ask({ tools: [named('a'), named('b')], tool_choice: choice })
  expect(sent?.tools).toHaveLength(2)
})

test.each([
  { tools: [] },
  { tools: [], tool_choice: 'auto' },
  { tool_choice: 'none' },
  { tool_choice: 'auto', parallel_tool_calls: true },
  { tools: null, tool_choice: null, parallel_tool_calls: null },
])('the field %j asks for nothing, and is taken', async (body) => {
  const { response, notes } = await ask(body)
  expect([response.status, notes]).toEqual([200, null])
})

test('a call comes by the name that was sent', async () => {
  const sent = ['read file', 'fs/read.file']
  const script = ({ prompt }: NativeRequest): Script => {
    const { tools } = prompt as NativeChat
    const toolCalls = tools.map(({ name }, index) => ({
      index,
      id: `c${index}`,
      name,
      arguments: '{}',
    }))
    return { tokens: [{ toolCalls }], end: 'tool_calls' }
  }
  const { url, native } = await serve({ script })
  const body = { tools: sent.map((name) => named(name)) }
  const messages = [
    { role: 'user', content: 'Hi' },
    {
      role: 'assistant',
      tool_calls: [{ id: 'a', type: 'function', function: { name: 'read file', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 'a', content: 'done' },
  ]
  const streamed = await (await chat(url, story({ ...body, messages }))).text()
  const deltas = chunksOf(streamed).flatMap(({ choices }) => choices.map(({ delta }) => delta))
  const calls = deltas.flatMap(
    (one) => (one as { tool_calls?: { function: { name: string } }[] }).tool_calls ?? [],
  )
  expect(calls.map((call) => call.function.name)).toEqual(sent)
  const whole = await (await chat(url, story({ ...body, stream: false }))).json()
  const called = (name: string) => ({ function: { name } })
  expect(whole).toMatchObject({ choices: [{ message: { tool_calls: sent.map(called) } }] })
  const { tools, messages: told } = conversation(native.submitted[0] as NativeRequest)
  expect(tools.map(({ name }) => name)).toEqual(['read_file', 'fs/read.file'])
  expect(told[1]?.toolCalls[0]?.name).toBe('read_file')
})

test('a past call with very many names is refused at its arguments', async () => {
  const names = Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`n${i}`, 1]))
  const call = { name: 'a', arguments: JSON.stringify(names) }
  const messages = [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', tool_calls: [{ id: 'a', type: 'function', function: call }] },
    { role: 'tool', tool_call_id: 'a', content: 'done' },
  ]
  const { url } = await serve()
  const response = await chat(url, story({ messages, tools: [named('a')] }))
  const param = 'messages[1].tool_calls[0].function.arguments'
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({
    error: { param, message: expect.stringContaining(`'${param}': expected fewer names`) },
  })
})
test('the note of very many tools of other types says how many more there were', () => {
  const { tools, notes } = wireTools.parse(Array.from({ length: 100 }, () => ({ type: 'x' })))
  expect(tools).toEqual([])
  expect(notes).toHaveLength(65)
  expect(notes[64]).toEqual({
    path: 'tools',
    message: '36 more of other types; taken as: left out',
  })
})

test('a note has the beginning of a path that is very long', () => {
  const parameters = { properties: { ['n'.repeat(1000)]: { required: 1 } } }
  const notes: RequestNote[] = []
  readableSchema(parameters, '', (note) => notes.push(note))
  expect(notes.map(({ path }) => path.length)).toEqual([259])
})
