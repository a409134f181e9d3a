import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, describe, expect, test } from 'vitest'
import { type ChatOptions, type Engine, load, type ReasoningOptions } from '../../src/index.js'
import { randomModel } from '../support/models/random-model.js'

// A form, and tools beside it, by each of the 70 templates of llama.cpp's tree. The models know of
// nothing: what is right in a reply is the grammar's doing and the reader's.

const folder = path.resolve(import.meta.dirname, '../../deps/llama.cpp/models/templates')
const files = readdirSync(folder).filter((file) => file.endsWith('.jinja'))
const only = process.env.SLUICE_TEMPLATES
const seeds = [1, 2, 3]
const ask = [{ role: 'user' as const, content: 'How many foxes are there?' }]
const schema = {
  type: 'object',
  properties: {
    kind: { enum: ['fox', '<think>', '</think>', '<tool_call>', '<|end|>', '[TOOL_CALLS]', '>>>'] },
    count: { type: 'integer', minimum: 0, maximum: 99 },
  },
  required: ['kind', 'count'],
  additionalProperties: false,
}
const isForm = new Ajv2020({ strict: false }).compile(schema)
const parameters = {
  type: 'object',
  properties: {
    city: { type: 'string', description: 'Where', enum: ['Paris', 'Rome'] },
    days: { type: 'integer', description: 'How many', maximum: 9, minimum: 0 },
  },
  required: ['city'],
  additionalProperties: false,
}
const isCall = new Ajv2020({ strict: false }).compile(parameters)
const tools = [{ name: 'get_weather', description: 'Tells the weather', parameters }]
const settings: Record<string, ReasoningOptions> = {
  'as it has it': {},
  off: { enabled: false },
  on: { enabled: true, effort: 'high' },
}

const model = randomModel({ seed: 3, logitDeviation: 1, context: 16384 })
const counted = new Map<string, number>()
const count = (what: string) => counted.set(what, (counted.get(what) ?? 0) + 1)
let engine: Engine | undefined

afterAll(() => {
  for (const [what, times] of [...counted].sort()) console.log(`${what}: ${times}`)
})

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** How it ended; what it says is held against the form here. */
async function told(options: ChatOptions, label: string): Promise<void> {
  const open = engine as Engine
  const budget = open.model.canThink ? { budget: 5 } : {}
  const reply = open.chat(ask, {
    schema,
    temperature: 1.5,
    maxTokens: 400,
    ...options,
    reasoning: { ...options.reasoning, ...budget },
  })
  let [text, reasoning] = ['', '']
  for await (const part of reply) {
    text += part.text
    reasoning += part.reasoning ?? ''
  }
  const { finishReason, choices, usage } = await reply.done
  const { toolCalls = [] } = choices[0] ?? {}
  count(`${label}, ${finishReason}`)
  if (reasoning !== '') count(`${label}, thought`)
  const seen = { label, text, reasoning, toolCalls, finishReason }
  if (options.reasoning?.enabled === false)
    expect({ ...seen, reasoning }).toMatchObject({ reasoning: '' })
  if (finishReason === 'length') return
  if (finishReason === 'tool_calls') {
    expect({ ...seen, text: text.trim() }).toMatchObject({ text: '' })
    for (const call of toolCalls) {
      if (isCall(jsonOf(call.arguments))) count(`${label}, calls that validate`)
      else count(`${label}, calls that do not`)
    }
    return
  }
  expect({ ...seen, isForm: isForm(jsonOf(text)) }).toMatchObject({ isForm: true })
  expect(toolCalls).toEqual([])
  if (reasoning !== '') expect(usage.reasoningTokens).toBeGreaterThan(0)
}

describe.each(only === undefined ? files : files.filter((file) => file.includes(only)))(
  '%s',
  (file) => {
    test('keeps to a form, as it thinks, and beside tools', async () => {
      engine = await load({
        model,
        chatTemplate: readFileSync(path.join(folder, file), 'utf8'),
        context: 8192,
        parallel: 8,
        threads: 1,
        onWarning: () => count('warnings while loading'),
      })
      try {
        for (const [label, reasoning] of Object.entries(settings)) {
          await Promise.all(seeds.map((seed) => told({ reasoning, seed }, `thinking ${label}`)))
          if (!engine.model.canCallTools) continue
          await Promise.all(
            seeds.map((seed) => {
              return told({ reasoning, seed, tools }, `beside tools, thinking ${label}`)
            }),
          )
        }
        if (engine.model.canCallTools) {
          await told({ tools, toolChoice: 'none', seed: 1 }, 'beside tools, none')
          await told({ tools, toolChoice: 'required', seed: 1 }, 'beside tools, required')
        }
      } finally {
        await engine.close()
      }
    }, 60_000)
  },
)
