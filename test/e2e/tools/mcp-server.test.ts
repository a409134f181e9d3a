import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Engine, type McpProgress, mcpTools, runTools } from '../../../src/index.js'
import { jsonInTags, type Step, turnsOf } from '../../support/agents/plan.js'
import { templateText } from '../../support/agents/session.js'
import { turnModel } from '../../support/models/turn-model.js'
import { suiteLoader } from '../../support/suite-engines.js'

// A run of tools as it is in a program: the real engine with a real chat template, a model that
// says what the test wants, and an MCP server of npm in a process of its own.

const server = fileURLToPath(
  import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'),
)
const client = new Client({ name: 'sluice-test', version: '1.0.0' })
const load = suiteLoader()

beforeAll(async () => {
  const args = [server, 'stdio']
  const transport = new StdioClientTransport({ command: process.execPath, args, stderr: 'ignore' })
  await client.connect(transport)
})
afterAll(() => client.close())

/** Texts without a quote, so that no turn's mark is split by escapes. */
const steps: Step[] = [
  { text: 'I say it first.', call: { name: 'echo', arguments: { message: 'é, 漢字' } } },
  { text: 'Now I add.', call: { name: 'get-sum', arguments: { a: 2, b: 40 } } },
  {
    text: 'And the weather?',
    call: { name: 'get-structured-content', arguments: { location: 'Chicago' } },
  },
  { text: 'I look at a picture.', call: { name: 'get-tiny-image', arguments: {} } },
  {
    text: 'This takes a while.',
    call: { name: 'trigger-long-running-operation', arguments: { duration: 0.2, steps: 2 } },
  },
  { text: 'All is done.' },
]

async function engineSaying(said: readonly Step[], parallel = 1): Promise<Engine> {
  const model = turnModel({ turns: turnsOf(said, jsonInTags) })
  const chatTemplate = templateText('Qwen-Qwen2.5-7B-Instruct.jinja')
  return load({ model, chatTemplate, context: 16_384, parallel })
}

const ask = [{ role: 'user' as const, content: 'Do all of it.' }]

describe('a run of five rounds with an MCP server of npm', () => {
  test('calls its tools, tells what they say, and computes only what is new', async () => {
    const progress: number[] = []
    const onProgress = (one: McpProgress) => progress.push(one.progress)
    const tools = await mcpTools(client, { onProgress })
    const run = runTools(await engineSaying(steps), ask, { tools })
    const texts: string[] = []
    for await (const { round, text } of run) {
      texts[round] = (texts[round] ?? '') + text
    }
    const { finishReason, rounds, messages, text } = await run.done
    expect(finishReason).toBe('stop')
    expect(text).toBe('[turn 06] All is done.')
    expect(texts.map((one) => one.trim())).toEqual(
      steps.map((step, i) => `[turn 0${i + 1}] ${step.text}`),
    )
    const results = rounds.flatMap(({ toolResults }) => toolResults)
    expect(results.map(({ arguments: given }) => given)).toEqual(
      steps.slice(0, 5).map((step) => step.call?.arguments),
    )
    expect(results.map(({ content }) => content)).toEqual([
      'Echo: é, 漢字',
      'The sum of 2 and 40 is 42.',
      expect.stringMatching(/^\{"temperature":[^}]+\}$/),
      expect.stringContaining('[left out, as only text can be read here: image, image/png]'),
      expect.stringMatching(/^Long running operation completed/),
    ])
    // The client drops what comes together with the answer.
    expect([1, 2].slice(0, progress.length)).toEqual(progress)
    expect(messages).toHaveLength(1 + 5 * 2 + 1)

    // Each prompt begins with the one before it. (A reply's own tokens are this made-up model's.)
    for (const [i, { usage }] of rounds.entries()) {
      const { promptTokens } = rounds[i - 1]?.usage ?? { promptTokens: 0 }
      expect(usage.cachedTokens).toBeGreaterThanOrEqual(promptTokens)
    }
  })

  test('goes on when a tool says that it failed', async () => {
    const wrong: Step[] = [
      { text: 'I try.', call: { name: 'get-resource-reference', arguments: { resourceId: -1 } } },
      { text: 'That was wrong.' },
    ]
    const run = runTools(await engineSaying(wrong), ask, { tools: await mcpTools(client) })
    expect(await run.text()).toBe('[turn 02] That was wrong.')
    const [result] = (await run.done).rounds[0]?.toolResults ?? []
    expect(result).toMatchObject({ error: { reason: 'failed' } })
    expect(result?.content).toMatch(/^Error: .*-1/)
  })

  test('is left while its tool runs, and the server stops', async () => {
    const long: Step[] = [
      {
        text: 'I wait.',
        call: { name: 'trigger-long-running-operation', arguments: { duration: 600, steps: 6000 } },
      },
    ]
    let heard: (progress: number) => void = () => undefined
    const hearing = new Promise<number>((resolve) => {
      heard = resolve
    })
    const onProgress = ({ progress }: McpProgress) => heard(progress)
    const tools = await mcpTools(client, { onProgress })
    const run = runTools(await engineSaying(long), ask, { tools })
    const { done } = run
    expect(await hearing).toBe(1)
    run.cancel()
    expect(await done).toMatchObject({ finishReason: 'cancelled' })
  })
})
