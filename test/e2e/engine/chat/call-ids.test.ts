import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { type ChatOptions, type Engine, load, type ToolChoice } from '../../../../src/index.js'
import { scriptModel } from '../../../support/models/script-model.js'

// Formats of calls that have an id: models that say one, models that say none, and those that must
// call. The grammar must let each be said, and the parser must read it. Every template's is read in
// native/llama/test/call-ids-test.cpp.

const templates = path.join(
  process.env.LLAMA_CPP_DIR ?? path.resolve('deps/llama.cpp'),
  'models/templates',
)
const open: Engine[] = []

afterEach(async () => {
  for (const engine of open.splice(0)) await engine.close()
})

interface Call {
  id?: string
  name: string
  arguments: string
}

const one: Call = { id: 'a1b2c3d4e', name: 'read', arguments: '{"path":"notes.txt"}' }
const other: Call = { id: 'Z9y8X7w6V', name: 'list_files', arguments: '{"depth":2}' }
const withoutId = ({ name, arguments: said }: Call): Call => ({ name, arguments: said })

const small = (calls: Call[]) => {
  const each = calls.map(({ id, name, arguments: said }) => {
    return `[TOOL_CALLS]${name}${id === undefined ? '' : `[CALL_ID]${id}`}[ARGS]${said}`
  })
  return each.join('')
}
const nemo = (calls: Call[]) => {
  const each = calls.map(({ id, name, arguments: said }) => {
    return `{"name": "${name}", "arguments": ${said}${id === undefined ? '' : `, "id": "${id}"`}}`
  })
  return `[TOOL_CALLS][${each.join(', ')}]`
}
const solar = (calls: Call[]) => {
  const each = calls.map(({ id = '', name, arguments: said }) => {
    const named = `<|tool_call:begin|>${id}<|tool_call:name|>${name}`
    return `${named}<|tool_call:args|>${said}<|tool_call:end|>`
  })
  return `<|tool_calls|>${each.join('')}<|calls|>`
}

const read = {
  name: 'read',
  parameters: {
    type: 'object',
    properties: { path: { type: 'string' } },
    required: ['path'],
    additionalProperties: false,
  },
}
const listFiles = {
  name: 'list_files',
  parameters: { type: 'object', properties: { depth: { type: 'integer' } }, required: ['depth'] },
}

/** A model that says these calls. */
async function opened(file: string, text: string): Promise<Engine> {
  const engine = await load({
    model: scriptModel({ reply: text }),
    chatTemplate: readFileSync(path.join(templates, file), 'utf8'),
    context: 4096,
    parallel: 1,
    onWarning: () => undefined,
  })
  open.push(engine)
  return engine
}

/** The reply's calls, as its stream has them; the whole reply has the same. */
async function callsOf(engine: Engine, options: ChatOptions): Promise<Call[]> {
  const short = { role: 'system', content: 'You read.' } as const // Mistral's own is long
  const reply = engine.chat([short, { role: 'user', content: 'Read the notes.' }], {
    tools: [read, listFiles],
    reasoning: { enabled: false },
    maxTokens: 400,
    ...options,
  })
  const joined: Call[] = []
  let said = ''
  for await (const { text, toolCalls = [] } of reply) {
    said += text
    for (const { index, id, name, arguments: more } of toolCalls) {
      if (name !== undefined) joined[index] = { ...(id ? { id } : {}), name, arguments: '' }
      const call = joined[index]
      if (call !== undefined) call.arguments += more
    }
  }
  const { finishReason, choices } = await reply.done
  expect([finishReason, said]).toEqual(['tool_calls', ''])
  expect(choices[0]?.toolCalls).toEqual(joined)
  return joined
}

const choices: [toolChoice: ToolChoice, parallelToolCalls: boolean][] = [
  ['auto', true],
  ['required', true],
  [{ name: 'read' }, false],
]
const formats: [file: string, written: (calls: Call[]) => string, mayHaveNone: boolean][] = [
  ['Mistral-Small-3.2-24B-Instruct-2506.jinja', small, true],
  ['mistralai-Mistral-Nemo-Instruct-2407.jinja', nemo, true],
  ['upstage-Solar-Open-100B.jinja', solar, false],
]

describe.each(formats)('%s', (file, written, mayHaveNone) => {
  test('a model that may call, and one that must, writes its ids', async () => {
    const engine = await opened(file, written([one, other]))
    for (const [toolChoice, parallelToolCalls] of choices) {
      const expected = parallelToolCalls ? [one, other] : [one]
      expect(await callsOf(engine, { toolChoice, parallelToolCalls })).toEqual(expected)
    }
  })

  test.runIf(mayHaveNone)('a call that the model wrote without an id is given one', async () => {
    const calls = [one, other].map(withoutId)
    const engine = await opened(file, written(calls))
    for (const [toolChoice, parallelToolCalls] of choices) {
      const found = await callsOf(engine, { toolChoice, parallelToolCalls })
      expect(found.map(withoutId)).toEqual(parallelToolCalls ? calls : calls.slice(0, 1))
      for (const { id } of found) expect(id).toMatch(/^[a-zA-Z0-9]{9}$/)
    }
  })
})
