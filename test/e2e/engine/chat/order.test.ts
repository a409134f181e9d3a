import { readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Reply, ReplyPart } from '../../../../src/index.js'
import { eventually } from '../../../support/eventually.js'
import { scriptModel } from '../../../support/models/script-model.js'
import { suiteLoader } from '../../../support/suite-engines.js'

// The order of thoughts, text and calls in a reply, on the real engine: models that say what they
// are told to, under real chat templates that let a reply go back and forth between them.

const templates = path.resolve(import.meta.dirname, '../../../../deps/llama.cpp/models/templates')
const open = suiteLoader()
const ask = [{ role: 'user' as const, content: 'How is the weather?' }]
const parameters = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
}
const tools = [{ name: 'get_weather', parameters }]
const call = '{"city": "Paris"}'

const next = '<|start|>assistant'
const gptOss = [
  '<|channel|>analysis<|message|>First I think.<|end|>',
  `${next}<|channel|>commentary<|message|>Then I speak.<|end|>`,
  `${next}<|channel|>analysis<|message|>Now I think again.<|end|>`,
  `${next}<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>${call}`,
].join('')
const gptOssOrder = [
  ['reasoning', 'First I think.'],
  ['text', 'Then I speak.'],
  ['reasoning', 'Now I think again.'],
  ['call', call],
]
const qwen =
  '<think>\nFirst I think.\n</think>\n\nThen I speak.\n' +
  `<tool_call>\n{"name": "get_weather", "arguments": ${call}}\n</tool_call>`
const qwenOrder = [
  ['reasoning', 'First I think.\n'],
  ['text', 'Then I speak.\n'],
  ['call', call],
]

function kindsOf({ text, reasoning, toolCalls = [] }: ReplyPart): [kind: string, said: string][] {
  const calls = toolCalls.map((delta): [string, string] => ['call', delta.arguments])
  return [
    ...(text === '' ? [] : [['text', text] as [string, string]]),
    ...(reasoning === undefined ? [] : [['reasoning', reasoning] as [string, string]]),
    ...calls,
  ]
}

/** Neighbours of one kind as one; how many parts there were, and what each of them was. */
async function read(reply: Reply, pauseMs?: number) {
  const order: [string, string][] = []
  let parts = 0
  for await (const part of reply) {
    const kinds = kindsOf(part)
    expect(new Set(kinds.map(([kind]) => kind)).size).toBeLessThan(2)
    for (const [kind, said] of kinds) {
      const last = order.at(-1)
      if (last?.[0] === kind) last[1] += said
      else order.push([kind, said])
    }
    parts++
    if (pauseMs !== undefined) await sleep(pauseMs)
  }
  return { order, parts, result: await reply.done }
}

describe.each([
  ['openai-gpt-oss-120b.jinja', gptOss, gptOssOrder],
  ['Qwen-Qwen3-0.6B.jinja', qwen, qwenOrder],
])('under %s', (file, said, wanted) => {
  const start = async (window: number) => {
    const chatTemplate = readFileSync(path.join(templates, file), 'utf8')
    const model = scriptModel({ reply: said })
    return open({ model, chatTemplate, context: 2048, threads: 1, window })
  }

  test('thoughts, text and calls come in the order in which the model wrote them', async () => {
    const engine = await start(64)
    const { order, result } = await read(engine.chat(ask, { tools, temperature: 0 }))
    expect(order).toEqual(wanted)
    expect(result.finishReason).toBe('tool_calls')
    const allOf = (kind: string) =>
      wanted.flatMap(([one, text]) => (one === kind ? [text] : [])).join('')
    expect(result.choices[0]).toMatchObject({
      text: allOf('text'),
      reasoning: allOf('reasoning'),
      toolCalls: [{ name: 'get_weather', arguments: call }],
    })
  })

  test('what waits for a slow reader is merged, and keeps that order', async () => {
    const engine = await start(512)
    const reply = engine.chat(ask, { tools, temperature: 0 })
    await reply.accepted
    await eventually(() => {
      const { queued, running, tokensGenerated } = engine.stats()
      return tokensGenerated > 0 && queued + running === 0
    })
    const { order, parts } = await read(reply, 20)
    expect(order).toEqual(wanted)
    // All of the reply was there when its reader came: a part for each change of kind.
    expect(parts).toBe(wanted.length)
  })

  test('each token is told once with logprobs, with the last of its bytes', async () => {
    const engine = await start(64)
    const bytes: Buffer[] = []
    for await (const { logprobs = [] } of engine.chat(ask, { tools, logprobs: 0 })) {
      for (const one of logprobs) bytes.push(Buffer.from(one.bytes))
    }
    expect(Buffer.concat(bytes).toString('utf8')).toBe(said)
  })
})
