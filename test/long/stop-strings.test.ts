import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type ChatOptions, type Engine, load } from '../../src/index.js'
import { randomModel } from '../support/models/random-model.js'
import { scriptModel } from '../support/models/script-model.js'

// Stop strings by each of the 70 templates of llama.cpp's tree: in thoughts, in calls, in forms and
// in what is said. What a format writes around those is learned from what its grammar allowed.

const folder = path.resolve(import.meta.dirname, '../../deps/llama.cpp/models/templates')
const files = readdirSync(folder).filter((file) => file.endsWith('.jinja'))
const only = process.env.SLUICE_TEMPLATES ?? ''
const ask = [{ role: 'user' as const, content: 'How many foxes are there?' }]
const answer = 'There are five foxes, STOP, and no more of them.'
const form = { enum: ['fox', 'foxes'] }
const parameters = {
  type: 'object',
  properties: { city: { type: 'string', description: 'Where', enum: ['Paris', 'Rome'] } },
  required: ['city'],
  additionalProperties: false,
}
const tools = [{ name: 'get_weather', description: 'Tells the weather', parameters }]
const model = randomModel({ seed: 3, logitDeviation: 1, context: 16384 })
const counted = new Map<string, number>()
const count = (what: string) => counted.set(what, (counted.get(what) ?? 0) + 1)

afterAll(() => {
  for (const [what, times] of [...counted].sort()) console.log(`${what}: ${times}`)
})

async function withEngine(
  file: string,
  model: string,
  use: (engine: Engine) => Promise<void>,
): Promise<void> {
  const chatTemplate = readFileSync(path.join(folder, file), 'utf8')
  const onWarning = () => count('warnings while loading')
  const engine = await load({ model, chatTemplate, context: 8192, threads: 1, onWarning })
  try {
    await use(engine)
  } finally {
    await engine.close()
  }
}

async function told(engine: Engine, options: ChatOptions) {
  const reply = engine.chat(ask, { logprobs: 0, maxTokens: 400, ...options })
  let [text, reasoning] = ['', '']
  const bytes: number[] = []
  for await (const part of reply) {
    text += part.text
    reasoning += part.reasoning ?? ''
    bytes.push(...(part.logprobs ?? []).flatMap((one) => [...one.bytes]))
  }
  const { finishReason, choices, usage } = await reply.done
  const toolCalls = choices[0]?.toolCalls?.map(({ name, arguments: said }) => ({ name, said }))
  const tokens = usage.completionTokens
  const written = Buffer.from(bytes).toString()
  return { text, reasoning, written, toolCalls, finishReason, tokens }
}

/** Thoughts of the template's, up to where an answer begins; nothing where it has none. */
async function thoughtsOf(engine: Engine) {
  for (let seed = 1; seed <= 12 && engine.model.canThink; seed++) {
    const reasoning = { budget: 6, budgetMessage: ' I know STOP now. ' }
    const said = await told(engine, { schema: form, reasoning, seed, temperature: 1.5 })
    const at = said.text === '' ? -1 : said.written.lastIndexOf(said.text)
    const isUsable = at > 0 && said.finishReason === 'stop'
    if (isUsable && said.reasoning.includes('STOP')) return said.written.slice(0, at)
  }
  return undefined
}

describe.each(files.filter((file) => file.includes(only)))('%s', (file) => {
  test('leaves calls and forms whole whatever stop string is in them', async () => {
    await withEngine(file, model, async (engine) => {
      const { text, finishReason } = await told(engine, {
        schema: form,
        seed: 2,
        reasoning: { budget: 0 },
      }).catch(() => told(engine, { schema: form, seed: 2 }))
      const again = { schema: form, seed: 2, stop: ['"', 'fox', 'o'] }
      const stopped = await told(engine, { ...again, reasoning: { budget: 0 } }).catch(() =>
        told(engine, again),
      )
      expect([stopped.text, stopped.finishReason]).toEqual([text, finishReason])
      count('forms with stop strings in them, whole')
      if (!engine.model.canCallTools) return
      const options = { tools, toolChoice: 'required' as const, parallelToolCalls: false }
      for (let seed = 1; seed <= 4; seed++) {
        const reasoning = engine.model.canThink ? { budget: 4 } : {}
        const asked = { ...options, reasoning, seed, temperature: 1.5 }
        const free = await told(engine, asked)
        if (free.finishReason !== 'tool_calls') continue
        const stop = ['get_weather', 'city', 'Paris', 'Rome', '"', ':', '{', '<', '[', '}']
        expect(await told(engine, { ...asked, stop })).toEqual(free)
        count('calls with stop strings in them, whole')
        return
      }
      count('no call was made to try')
    })
  }, 120_000)

  test('leaves thoughts uncut, and cuts the text', async () => {
    await withEngine(file, model, async (engine) => {
      const begun = await thoughtsOf(engine)
      if (engine.model.canThink && begun === undefined) count('no thoughts were made to try')
      const script = scriptModel({ reply: `${begun ?? ''}${answer}` })
      await withEngine(file, script, async (speaker) => {
        const free = await told(speaker, {})
        expect(free.text.trim()).toBe(answer)
        if (begun !== undefined) expect(free.reasoning).toContain('STOP')
        const inThoughts = await told(speaker, { stop: ['I know', 'STOP now', 'w. '] })
        expect(inThoughts).toEqual(free)
        const inText = await told(speaker, { stop: ['STOP', 'more'] })
        expect(inText.text.trim()).toBe('There are five foxes,')
        expect([inText.reasoning, inText.finishReason]).toEqual([free.reasoning, 'stop'])
        expect(free.written.slice(0, inText.written.length)).toBe(inText.written)
        expect(inText.written.endsWith('There are five foxes, ')).toBe(true)
        count(
          `answers cut at a stop string${begun === undefined ? '' : ', thoughts with it are not'}`,
        )
      })
    })
  }, 120_000)
})
