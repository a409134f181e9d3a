import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { ChatOptions, Engine, LoadOptions, ReasoningOptions } from '../../../../src/index.js'
import { eventually } from '../../../support/eventually.js'
import { randomModel } from '../../../support/models/random-model.js'
import { scriptModel } from '../../../support/models/script-model.js'
import { suiteLoader } from '../../../support/suite-engines.js'

// Reasoning budgets on the real engine: models that think and say what they are told to, under real
// chat templates. R1's prompt ends in thoughts; Qwen 3 begins them itself.

const templates = path.resolve(import.meta.dirname, '../../../../deps/llama.cpp/models/templates')
const templateOf = (file: string) => readFileSync(path.join(templates, file), 'utf8')
const r1 = 'deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja'
const qwen = 'Qwen-Qwen3-0.6B.jinja'

const ask = [{ role: 'user' as const, content: 'How many foxes are there?' }]
const thoughts = 'Let me count them: “un”, deux, trois 🦊🦊 and so on. Is that all? I guess so.\n'
const answer = 'There are five foxes, as far as I know.'
const marks = ['<think>', '</think>']
const open = suiteLoader()

/** What the model says is known to the letter: its thoughts, their end, its answer. */
async function thinker(template: string, options: Partial<LoadOptions> = {}): Promise<Engine> {
  const begun = template === r1 ? '' : '<think>'
  const model = scriptModel({ reply: `${begun}${thoughts}</think>${answer}`, marks })
  const chatTemplate = templateOf(template)
  return open({ model, chatTemplate, context: 2048, threads: 1, ...options })
}

/** The same where `</think>` is text of many tokens; after a forced one it begins anew. */
async function speller(options: Partial<LoadOptions> = {}): Promise<Engine> {
  const model = scriptModel({ reply: `${thoughts}</think>${answer}` })
  return open({ model, chatTemplate: templateOf(r1), context: 2048, threads: 1, ...options })
}

async function told(engine: Engine, reasoning: ReasoningOptions = {}, more: ChatOptions = {}) {
  const reply = engine.chat(ask, { reasoning, logprobs: 0, ...more })
  let [streamed, text] = ['', '']
  const tokens: string[] = []
  for await (const part of reply) {
    streamed += part.reasoning ?? ''
    text += part.text
    for (const { bytes } of part.logprobs ?? []) tokens.push(Buffer.from(bytes).toString('latin1'))
  }
  const result = await reply.done
  expect(result.reasoning ?? '').toBe(streamed)
  return { ...result, reasoning: streamed, text, tokens }
}

const fromLatin1 = (tokens: string[]) => Buffer.from(tokens.join(''), 'latin1').toString('utf8')

describe.each([r1, qwen])('under %s', (template) => {
  test('the model thinks to its end without a budget, and the tokens are counted', async () => {
    const engine = await thinker(template)
    expect(engine.model.canThink).toBe(true)
    const { reasoning, text, usage, tokens, finishReason } = await told(engine)
    expect([reasoning, text, finishReason]).toEqual([thoughts, answer, 'stop'])
    expect(usage.reasoningTokens).toBe(tokens.indexOf('</think>') - (template === r1 ? 0 : 1))
  })

  test('the model thinks exactly as many tokens as the budget has, and then speaks', async () => {
    const engine = await thinker(template)
    const { tokens, usage } = await told(engine)
    const first = template === r1 ? 0 : 1
    const total = usage.reasoningTokens as number
    for (const budget of [1, 2, 7, 12, total - 1]) {
      const limited = await told(engine, { budget })
      const whole = fromLatin1(tokens.slice(first, first + budget))
      expect(whole).not.toContain('\uFFFD')
      expect(limited.reasoning).toBe(whole)
      expect(limited.text).toBe(answer)
      expect(limited.usage.reasoningTokens).toBe(budget)
      expect(limited.usage.completionTokens).toBe(limited.tokens.length)
    }
  })

  test('the model thinks not at all with a budget of 0', async () => {
    const engine = await thinker(template)
    const { reasoning, text, usage, tokens } = await told(engine, { budget: 0 })
    expect([reasoning, text, usage.reasoningTokens]).toEqual(['', answer, 0])
    expect(tokens.slice(0, 2)).toContain('</think>')
  })

  test('thoughts that end sooner are as they are without a budget', async () => {
    const engine = await thinker(template)
    const { usage } = await told(engine)
    const total = usage.reasoningTokens as number
    for (const budget of [total + 1, 1000]) {
      const { reasoning, text } = await told(engine, { budget, budgetMessage: 'Enough.' })
      expect([reasoning, text]).toEqual([thoughts, answer])
    }
    const { reasoning, text } = await told(engine, { budget: total })
    expect([reasoning, text]).toEqual([thoughts, answer])
  })

  test('a message of the request is the last thought', async () => {
    const engine = await thinker(template)
    const plain = await told(engine, { budget: 5 })
    const message = '\nThat is “enough” <think>.\n'
    const { reasoning, text, usage } = await told(engine, { budget: 5, budgetMessage: message })
    expect([reasoning, text]).toEqual([plain.reasoning + message, answer])
    // The mark is text where a request says it: the tokens of `<think` and one more, not one.
    const asText = (await engine.tokenize('<think')).length
    expect(usage.reasoningTokens).toBe(5 + (await engine.tokenize(message)).length + asText)
  })

  test('a budget changes nothing where the model may not think, or has thought', async () => {
    const engine = await thinker(template)
    const begun = [...ask, { role: 'assistant' as const, content: 'I say: ' }]
    const reply = engine.chat(begun, { reasoning: { budget: 0 } })
    expect((await reply.done).usage.reasoningTokens ?? 0).toBe(0)
    expect(await reply.text()).toContain(thoughts) // a model that minds nothing
    if (template === r1) return
    const { text, usage } = await told(engine, { budget: 0, enabled: false })
    expect([text, usage.reasoningTokens]).toEqual([
      `<think>${thoughts}</think>${answer}`,
      undefined,
    ])
  })
})

describe('a budget that is spent', () => {
  test('in the middle of a character waits for the character’s end', async () => {
    const engine = await thinker(r1)
    const { tokens } = await told(engine)
    const isCut = (length: number) => fromLatin1(tokens.slice(0, length)).endsWith('\uFFFD')
    const budget = tokens.findIndex((_, length) => isCut(length))
    expect(budget).toBeGreaterThan(0)
    let whole = budget
    while (isCut(whole)) whole++
    const { reasoning, text, usage } = await told(engine, { budget })
    expect([reasoning, text]).toEqual([fromLatin1(tokens.slice(0, whole)), answer])
    expect(reasoning).not.toContain('\uFFFD')
    expect(usage.reasoningTokens).toBe(whole)
  })

  test('writes the mark token by token where it is text of several', async () => {
    const engine = await speller()
    const { tokens, usage } = await told(engine)
    const total = usage.reasoningTokens as number
    for (const budget of [0, 3, total - 1]) {
      const limited = await told(engine, { budget, budgetMessage: budget === 3 ? 'So.' : '' })
      const said = fromLatin1(tokens.slice(0, budget)) + (budget === 3 ? 'So.' : '')
      expect(limited.reasoning).toBe(said)
      // It begins again, and what it says now are no thoughts any more.
      expect(limited.text).toBe(`${thoughts}</think>${answer}`)
    }
    const untouched = await told(engine, { budget: total })
    expect([untouched.reasoning, untouched.text]).toEqual([thoughts, answer])
  })

  test('is that of each choice by itself', async () => {
    const engine = await thinker(qwen, { parallel: 3 })
    const alone = await told(engine, { budget: 6 })
    const { choices, usage } = await engine.chat(ask, { n: 3, reasoning: { budget: 6 } }).done
    for (const choice of choices) {
      expect(choice.reasoning).toBe(alone.reasoning)
      expect(choice.usage.reasoningTokens).toBe(6)
    }
    expect(usage.reasoningTokens).toBe(18)
  })

  test('is the same with drafts, whatever they guess', async () => {
    const begun = `<think>${thoughts}</think>${answer}`
    const draft = scriptModel({ reply: begun, marks })
    const plain = await thinker(qwen)
    const drafted = await thinker(qwen, { draft, draftMax: 8 })
    for (const budget of [0, 1, 4, 9, 20]) {
      const options = { budget, budgetMessage: '\nEnough, I say.' }
      const expected = await told(plain, options)
      const { timings, ...result } = await told(drafted, options)
      expect([result.tokens, result.usage.reasoningTokens]).toEqual([
        expected.tokens,
        expected.usage.reasoningTokens,
      ])
      expect(timings.draftTokens).toBeGreaterThan(0)
    }
  })

  test('may still meet the limit of all tokens while its end is being written', async () => {
    const engine = await speller()
    const { finishReason, text, usage } = await told(engine, { budget: 3 }, { maxTokens: 5 })
    expect([finishReason, text, usage.completionTokens]).toEqual(['length', '', 5])
  })

  test('is the engine’s where the request has none', async () => {
    const reasoning = { budget: 4, budgetMessage: ' Stop.' }
    const engine = await thinker(qwen, { reasoning })
    expect(engine.settings.reasoningBudget).toBe(4)
    const explicit = await told(await thinker(qwen), reasoning)
    const byDefault = await told(engine)
    expect([byDefault.reasoning, byDefault.text]).toEqual([explicit.reasoning, answer])
    expect((await told(engine, { budget: -1 })).reasoning).toBe(thoughts)
    const silent = await told(engine, { budget: 2, budgetMessage: '' })
    expect(silent.usage.reasoningTokens).toBe(2)
  })

  test('is kept to by a reply that was parked and gave up its slot on the way', async () => {
    const plain = await told(await thinker(qwen), { budget: 12 })
    const engine = await thinker(qwen, { window: 4, parallel: 1 })
    const slow = engine.chat(ask, { reasoning: { budget: 12 } })
    await eventually(() => engine.stats().parked === 1)
    expect((await told(engine, { budget: 3 })).text).toBe(answer)
    expect(engine.stats().preempted).toBeGreaterThan(0)
    let [reasoning, text] = ['', '']
    for await (const part of slow) {
      reasoning += part.reasoning ?? ''
      text += part.text
    }
    expect([reasoning, text]).toEqual([plain.reasoning, answer])
  })
})

test('thoughts that a last message began go on, with a budget of their own', async () => {
  const engine = await thinker(r1)
  const begun = [...ask, { role: 'assistant' as const, content: '', reasoning: 'Well: ' }]
  const { tokens } = await told(engine)
  const reply = engine.chat(begun, { reasoning: { budget: 6 } })
  expect(await reply.text()).toBe(answer)
  const { reasoning, usage } = await reply.done
  expect([reasoning, usage.reasoningTokens]).toEqual([fromLatin1(tokens.slice(0, 6)), 6])
})

test('an end of thoughts that the last message has begun is their end', async () => {
  const model = scriptModel({ reply: 'ink>So be it, and it is well, and there are five.' })
  const engine = await open({ model, chatTemplate: templateOf(r1), context: 1024, threads: 1 })
  const begun = [...ask, { role: 'assistant' as const, content: '', reasoning: 'Well</th' }]
  const reply = engine.chat(begun, { reasoning: { budget: 3 } })
  expect(await reply.text()).toBe('So be it, and it is well, and there are five.')
  expect((await reply.done).usage.reasoningTokens).toBe(0)
})

test('the beginning of a call is no end where there is nothing to call', async () => {
  const said = 'Well <｜DSML｜function_calls> goes on for a long time'
  const model = scriptModel({ reply: `${said}</think>Yes.`, marks: ['</think>'] })
  const chatTemplate = templateOf('deepseek-ai-DeepSeek-V3.2.jinja')
  const engine = await open({ model, chatTemplate, context: 1024, threads: 1 })
  const { tokens } = await told(engine)
  const total = tokens.indexOf('</think>')
  const { reasoning, text, usage } = await told(engine, { budget: total - 1 })
  expect([reasoning, text]).toEqual([fromLatin1(tokens.slice(0, total - 1)), 'Yes.'])
  expect(usage.reasoningTokens).toBe(total - 1)
})

test('what a format takes for text is not cut', async () => {
  const reply = `\n \n <think>${thoughts}</think>${answer}`
  const chatTemplate = templateOf('Kimi-K2-Instruct.jinja')
  const model = scriptModel({ reply, marks })
  const engine = await open({ model, chatTemplate, context: 1024, threads: 1 })
  const { text, usage } = await told(engine, { budget: 4 })
  expect([text, usage.reasoningTokens]).toEqual([reply, 0])
})

test('a template that lets a model think only if asked to can be limited too', async () => {
  const engine = await thinker('tencent-Hy3.jinja')
  expect(engine.model.canThink).toBe(true)
})

test.each(['llama-spm', 'gpt-2', 'qwen2'] as const)(
  'a %s vocabulary can end thoughts',
  async (name) => {
    const model = randomModel({ tokenizer: name })
    const engine = await open({ model, chatTemplate: templateOf(r1), context: 512, parallel: 1 })
    expect(engine.model.canThink).toBe(true)
    const said = { reasoning: { budget: 5, budgetMessage: 'I know.' }, seed: 1, maxTokens: 60 }
    const reply = engine.chat(ask, said)
    expect(await reply.text()).not.toBe('')
    expect((await reply.done).reasoning).toMatch(/ ?I know\. ?$/)
  },
)

describe('a call that must be made', () => {
  const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
  const tools = [{ name: 'get_weather', parameters: city }]
  const call = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>'

  test.each(['required', 'auto'] as const)('is made after the thoughts: %s', async (toolChoice) => {
    const model = scriptModel({ reply: `<think>${thoughts}</think>\n\n${call}`, marks })
    const engine = await open({ model, chatTemplate: templateOf(qwen), context: 2048 })
    const { tokens } = await told(engine)
    for (const budget of [0, 5, 1000]) {
      const result = await told(engine, { budget, budgetMessage: 'Ask!' }, { tools, toolChoice })
      const cut = `${fromLatin1(tokens.slice(1, 1 + budget))}Ask!`
      expect(result.reasoning).toBe(budget === 1000 ? thoughts : cut)
      expect(result.finishReason).toBe('tool_calls')
      expect(result.toolCalls).toMatchObject([
        { name: 'get_weather', arguments: '{"city": "Paris"}' },
      ])
    }
  })
})

test('a call in the thoughts is a thought, whatever is made of it', async () => {
  const thought = 'I could write <tool_call>\n{"name": 1} or not.'
  const model = scriptModel({ reply: `<think>${thought}</think>${answer}`, marks })
  const engine = await open({ model, chatTemplate: templateOf(qwen), context: 2048 })
  const tools = [{ name: 'get_weather', parameters: { type: 'object', properties: {} } }]
  const result = await told(engine, {}, { tools })
  expect([result.reasoning, result.text, result.finishReason]).toEqual([thought, answer, 'stop'])
})

test('a message that names a call calls nothing', async () => {
  const parameters = { type: 'object', properties: { city: { type: 'string' } } }
  const tools = [{ name: 'get_weather', parameters }]
  const engine = await thinker(qwen)
  const budgetMessage = '\n<tool_call>\nis what I need not write.\n'
  const result = await told(engine, { budget: 4, budgetMessage }, { tools, maxTokens: 200 })
  expect(result.reasoning.endsWith(budgetMessage)).toBe(true)
  expect([result.text, result.finishReason]).toEqual([answer, 'stop'])
})

describe('what cannot be is refused', () => {
  const refusal = (act: () => unknown) => {
    try {
      act()
    } catch (error) {
      return error
    }
    throw new Error('nothing was refused')
  }

  test('where a budget has no marked thoughts; the engine’s has no effect', async () => {
    const model = scriptModel({ reply: answer })
    const engine = await open({ model, reasoning: { budget: 0 } })
    expect(engine.model.canThink).toBe(false)
    const reply = engine.chat(ask, { reasoning: { budget: -1 } })
    expect(await reply.text()).toBe(answer)
    expect((await reply.done).usage.reasoningTokens).toBeUndefined()
    const error = refusal(() => engine.chat(ask, { reasoning: { budget: 100 } }))
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'reasoning.budget' })
  })

  test('where a budget is given and the end of thoughts is that of the reply', async () => {
    const said = '<|channel|>analysis<|message|>Well.'
    const model = scriptModel({ reply: `${said}<|end|>${answer}`, marks: ['<|end|>'] })
    const engine = await open({ model, chatTemplate: templateOf('openai-gpt-oss-120b.jinja') })
    expect(engine.model.canThink).toBe(false)
  })

  test('where a message ends the thoughts itself', async () => {
    const engine = await thinker(qwen)
    const reasoning = { budget: 3, budgetMessage: 'Well.</think>Now' }
    const error = refusal(() => engine.chat(ask, { reasoning }))
    const refused = { code: 'ERR_INVALID_OPTION', option: 'reasoning.budgetMessage' }
    expect(error).toMatchObject(refused)
    await expect(thinker(qwen, { reasoning })).rejects.toMatchObject(refused)
    const plain = await open({ model: scriptModel({ reply: answer }), reasoning })
    expect(await plain.chat(ask).text()).toBe(answer)
  })
})
