import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  type ChatMessage,
  ContextLengthError,
  type Tool,
  type Usage,
} from '../../../../src/index.js'
import { suiteLoader } from '../../../support/suite-engines.js'

// A conversation of 200 turns in a context of 1,024, with tools: what each of its prompts computes.

const root = path.resolve(import.meta.dirname, '../../../..')
const template = 'deps/llama.cpp/models/templates/Qwen-Qwen3-0.6B.jinja'
const load = suiteLoader()
const system: ChatMessage = { role: 'system', content: 'You tell stories. Be kind.' }
const tools: Tool[] = [
  {
    name: 'look_up',
    description: 'Looks up a word',
    parameters: { type: 'object', properties: { word: { type: 'string' } } },
  },
]

/** Of every fifth turn a tool was asked as well. */
function question(turn: number): ChatMessage[] {
  const content = `Turn ${turn}: tell me a short story about a fox and the number ${turn * 7}.`
  const asked: ChatMessage = { role: 'user', content }
  if (turn % 5 !== 3) return [asked]
  const call = { id: `call-${turn}`, name: 'look_up', arguments: { word: `word ${turn}` } }
  return [
    asked,
    { role: 'assistant', toolCalls: [call] },
    { role: 'tool', toolCallId: call.id, content: `the meaning of word ${turn}` },
  ]
}

interface Turn {
  readonly usage: Usage
  readonly dropped: number
}

async function conversation(length: number): Promise<{ turns: Turn[]; keptTokens: number }> {
  const engine = await load({
    model: path.join(root, 'models/storyteller.gguf'),
    chatTemplate: readFileSync(path.join(root, template), 'utf8'),
    context: 1024,
    parallel: 1,
    cacheMiB: 0,
  })
  const messages = [system]
  const turns: Turn[] = []
  for (let turn = 0; turn < length; turn++) {
    messages.push(...question(turn))
    const options = { tools, maxTokens: 8, seed: turn }
    const {
      text,
      usage,
      dropped = [],
    } = await engine.chat(messages, { ...options, fit: true }).done
    turns.push({ usage, dropped: dropped.length })
    if (turn % 20 === 19) {
      // The same by itself, and the prompt is the one that it counted.
      const fitted = await engine.fit(messages, { tools, reserve: options.maxTokens })
      expect(fitted.dropped).toEqual(dropped)
      expect(fitted.promptTokens).toBe(usage.promptTokens)
      expect(await engine.countTokens(fitted.messages, { tools })).toBe(usage.promptTokens)
    }
    messages.push({ role: 'assistant', content: text })
  }
  return { turns, keptTokens: await engine.countTokens([system], { tools }) }
}

describe('a conversation that outgrows its context', () => {
  test(
    'computes again what a drop moved, and between drops only what is new',
    async () => {
      const { turns, keptTokens } = await conversation(200)
      const drops = turns.filter(({ dropped }, i) => dropped > (turns[i - 1]?.dropped ?? 0))
      for (const [i, { usage, dropped }] of turns.entries()) {
        expect(usage.promptTokens).toBeLessThanOrEqual(1024 - 8)
        const before = turns[i - 1]
        if (before === undefined) continue
        expect(dropped).toBeGreaterThanOrEqual(before.dropped)
        if (dropped > before.dropped) {
          // System message and tools; what follows them in that count is an empty user's message.
          expect(usage.cachedTokens).toBeGreaterThan(keptTokens - 20)
        } else {
          // All of the last prompt, and of the reply but for a token that may have joined the next.
          const known = before.usage.promptTokens + before.usage.completionTokens
          expect(usage.cachedTokens).toBeGreaterThanOrEqual(known - 4)
        }
      }
      // Some 340 of the 1,016 tokens are system message and tools, and a turn has 60 or 120.
      expect(drops.length).toBeGreaterThan(20)
      expect(drops.length).toBeLessThan(60)
      const sums = turns.reduce(
        (sum, { usage }) => ({
          prompt: sum.prompt + usage.promptTokens,
          cached: sum.cached + usage.cachedTokens,
        }),
        { prompt: 0, cached: 0 },
      )
      expect(sums.cached / sums.prompt).toBeGreaterThan(0.8)
    },
    15 * 60_000,
  )
})

test('what stays and is too long by its size is refused before it is tokenized', async () => {
  const engine = await load({ context: 512 })
  const long: ChatMessage = { role: 'system', content: 'a fox '.repeat(10_000) }
  const asked: ChatMessage[] = [long, { role: 'user', content: 'Who?' }]
  const error = await engine.fit(asked).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(ContextLengthError)
  const { promptTokens } = error as ContextLengthError
  expect(promptTokens).toBeGreaterThan(512)
  expect(promptTokens).toBeLessThan(await engine.countTokens(asked)) // it was not counted
})
