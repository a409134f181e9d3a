import { afterEach, describe, expect, test } from 'vitest'
import type { ChatOptions, Engine } from '../../../../src/index.js'
import { lostOf, withTemplate } from '../../../support/chats/tool-prompts.js'
import { malformedShapes, validShapes } from '../../../support/chats/tool-shapes.js'

// Schemas over which templates trip, or of which they tell half. test/long/tool-shapes.test.ts has
// every template and every shape.

const open: Engine[] = []

afterEach(async () => {
  for (const engine of open.splice(0)) await engine.close()
})

async function opened(file: string): Promise<Engine> {
  const engine = await withTemplate(file)
  open.push(engine)
  return engine
}

const hello = [{ role: 'user' as const, content: 'Hi' }]
const shapes = new Map([...validShapes, ...malformedShapes].map((one) => [one.name, one]))
const tried = [
  'array without items',
  'true',
  'several types',
  '$ref',
  '$ref that recurs',
  'anyOf objects',
  'oneOf described',
  'allOf',
  'nested objects',
  'array of objects',
  'methods',
  "a schema's words",
  'patternProperties',
  'type any',
]
/** Those that write signatures in place of the schema. */
const writers = [
  'openai-gpt-oss-120b.jinja',
  'google-gemma-4-31B-it.jinja',
  'meetkai-functionary-medium-v3.2.jinja',
  'ByteDance-Seed-OSS.jinja',
  'CohereForAI-c4ai-command-r-plus-tool_use.jinja',
]

test.each(writers)('the template %s names each tool and each description', async (file) => {
  const engine = await opened(file)
  for (const name of tried) {
    const shape = shapes.get(name)
    if (shape === undefined) throw new Error(`there is no shape ${name}`)
    expect([name, await lostOf(engine, shape)]).toEqual([name, []])
  }
})

test.each([...writers, 'Qwen3-Coder.jinja', 'GLM-4.6.jinja', 'Qwen-Qwen2.5-7B-Instruct.jinja'])(
  'the template %s takes all shapes in one request, and the reply keeps to them',
  async (file) => {
    const engine = await opened(file)
    const tools = [...shapes.values()].map(({ name, parameters }) => ({ name, parameters }))
    const reply = engine.chat(hello, { tools, maxTokens: 1, reasoning: { enabled: false } })
    expect((await reply.accepted).promptTokens).toBeGreaterThan(1000)
    expect(new Set(reply.notes.map(({ path }) => path.split('.')[0])).size).toBeGreaterThan(15)
    reply.cancel()
    await reply.done
  },
)

test('a schema that a template takes reaches it as it is', async () => {
  const engine = await opened('Qwen-Qwen2.5-7B-Instruct.jinja')
  const { parameters } = shapes.get('$ref that recurs') ?? {}
  const prompt = await engine.applyTemplate(hello, {
    tools: [{ name: 'x', parameters: parameters ?? {} }],
  })
  expect(prompt).toContain('"$ref": "#/$defs/tree"')
  const gptOss = await opened('openai-gpt-oss-120b.jinja')
  const plain = { type: 'object', properties: { city: { type: 'string', description: 'where' } } }
  const told = await gptOss.applyTemplate(hello, { tools: [{ name: 'x', parameters: plain }] })
  expect(told).toContain('type x = (_: {\n// where\ncity?: string,\n}) => any;')
})

test('a tool that trips a template changes nothing for the others', async () => {
  const engine = await opened('openai-gpt-oss-120b.jinja')
  const good = { name: 'good', parameters: { properties: { a: { type: 'string' } } } }
  const bad = { name: 'bad', parameters: { properties: { b: true } } }
  const prompt = await engine.applyTemplate(hello, {
    tools: [good, bad, { ...good, name: 'fine' }],
  })
  for (const name of ['good', 'fine'])
    expect(prompt).toContain(`type ${name} = (_: {\na?: string,\n})`)
  expect(prompt).toMatch(/type bad = \(_: \{\n\/\/ Any JSON value\.\nb\?: string/)
})

describe('names', () => {
  const names = ['fs/read.file:v2', 'Öffne die Tür!']
  const tools = ['fs/read', ...names].map((name) => ({ name }))

  test.each(['Qwen-Qwen2.5-7B-Instruct.jinja', 'google-gemma-4-31B-it.jinja'])(
    'of calls are those that were sent: %s',
    async (file) => {
      const engine = await opened(file)
      for (const name of names) {
        const toolChoice = { names: [name], mode: 'required' } as const
        expect(await firstCalled(engine, { tools, toolChoice })).toBe(name)
      }
    },
  )
})

test('of the tools in the prompt, only those that are allowed are called', async () => {
  const engine = await opened('Qwen-Qwen2.5-7B-Instruct.jinja')
  const tools = ['one', 'two', 'three'].map((name) => ({ name }))
  const toolChoice = { names: ['two'], mode: 'required' } as const
  const prompt = await engine.applyTemplate(hello, { tools, toolChoice })
  expect(prompt).toBe(await engine.applyTemplate(hello, { tools }))
  for (const { name } of tools) expect(prompt).toContain(name)
  expect(await firstCalled(engine, { tools, toolChoice })).toBe('two')
})

async function firstCalled(engine: Engine, options: ChatOptions): Promise<string | undefined> {
  const reasoning = engine.model.canThink ? { budget: 0 } : { enabled: false }
  const reply = engine.chat(hello, { ...options, reasoning, temperature: 0, maxTokens: 400 })
  for await (const { toolCalls = [] } of reply) {
    const name = toolCalls[0]?.name
    if (name !== undefined) return name
  }
  return undefined
}
