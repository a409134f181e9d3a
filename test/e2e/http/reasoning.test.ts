import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import type { ChatMessage } from '../../../src/index.js'
import { scriptModel } from '../../support/models/script-model.js'
import { chat, closeAfterEach, story } from '../../support/serve.js'
import { serveReal } from '../../support/serve-real.js'
import { chunksOf } from '../../support/sse.js'

closeAfterEach()

const templates = path.resolve(import.meta.dirname, '../../../deps/llama.cpp/models/templates')
const template = 'Qwen-Qwen3-0.6B.jinja'
const thoughts = 'Some are red, others grey, and “Reineke” is one of a book. Which of them?\n'
const answer = 'The grey one.'

interface Told {
  reasoning: string
  text: string
  tokens: number
}

test('a budget comes to the same streamed, unstreamed and in process', async () => {
  const marks = ['<think>', '</think>']
  const model = scriptModel({ reply: `<think>${thoughts}</think>${answer}`, marks })
  const chatTemplate = readFileSync(path.join(templates, template), 'utf8')
  const { url, engine } = await serveReal({ model, chatTemplate, context: 1024, threads: 1 })
  const ask = (story() as { messages: ChatMessage[] }).messages

  for (const [budget, message] of [[0], [6], [11, '\nEnough: '], [1000]] as const) {
    const body = { reasoning_budget_tokens: budget, reasoning_budget_message: message }
    const reasoning = { budget, ...(message === undefined ? {} : { budgetMessage: message }) }
    const reply = engine.chat(ask, { reasoning })
    const text = await reply.text()
    const { usage, reasoning: thought = '' } = await reply.done
    const expected = { reasoning: thought, text, tokens: usage.reasoningTokens as number }
    expect(await whole(url, body)).toEqual(expected)
    expect(await streamed(url, body)).toEqual(expected)
    expect(text).toBe(answer)
    if (budget === 1000) expect(thought).toBe(thoughts)
    else expect(thoughts.startsWith(thought.replace(message ?? '', ''))).toBe(true)
    if (budget < 1000 && message === undefined) expect(expected.tokens).toBe(budget)
  }
})

interface Usage {
  completion_tokens_details: { reasoning_tokens: number }
}

async function whole(url: string, body: object): Promise<Told> {
  const { choices, usage } = (await (
    await chat(url, story({ stream: false, ...body }))
  ).json()) as {
    choices: [{ message: { content: string; reasoning_content?: string } }]
    usage: Usage
  }
  const { content, reasoning_content: reasoning = '' } = choices[0].message
  return { reasoning, text: content, tokens: usage.completion_tokens_details.reasoning_tokens }
}

async function streamed(url: string, body: object): Promise<Told> {
  const asked = story({ stream_options: { include_usage: true }, ...body })
  const chunks = chunksOf(await (await chat(url, asked)).text())
  const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta)) as {
    content?: string
    reasoning_content?: string
  }[]
  const usage = chunks.at(-1)?.usage as unknown as Usage
  return {
    reasoning: deltas.map((delta) => delta.reasoning_content ?? '').join(''),
    text: deltas.map((delta) => delta.content ?? '').join(''),
    tokens: usage.completion_tokens_details.reasoning_tokens,
  }
}
