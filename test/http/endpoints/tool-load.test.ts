import { expect, test, vi } from 'vitest'
import type { NativeChat } from '../../../src/binding/engine-port.js'
import { mcpTools } from '../../support/chats/mcp-tools.js'
import { turnsOf } from '../../support/processor/event-loop.js'
import { chat, chatPath, closeAfterEach, postJson, serve, story } from '../../support/serve.js'

// What an agent's tools take of JavaScript's thread, in its processor time.

closeAfterEach()

test.runIf(process.platform === 'linux')(
  '150 tools of 200 KiB hold the event loop 50 ms at most, and once they are known less in all',
  async () => {
    const { url, native } = await serve()
    const tools = mcpTools(150, 200 * 1024 + 11).map((one) => ({ type: 'function', function: one }))
    const body = story({ tools })
    const ask = async () => {
      const response = await chat(url, body)
      expect(response.status).toBe(200)
      await response.text()
    }
    await (await chat(url, story())).text() // what clients and tests take the first time
    const [first, again, third] = [await turnsOf(ask), await turnsOf(ask), await turnsOf(ask)]
    const sum = (turns: number[]) => turns.reduce((all, turn) => all + turn, 0)
    console.info(
      `of the event loop, ms: first ${shown(first)}; again ${shown(again)}, ${shown(third)}`,
    )
    expect(Math.max(...first)).toBeLessThan(50)
    expect(Math.max(...again, ...third)).toBeLessThan(50)
    expect(Math.min(sum(again), sum(third))).toBeLessThan(sum(first) / 2)
    const sent = native.submitted.map(({ prompt }) => (prompt as NativeChat).tools)
    expect(sent.map(({ length }) => length)).toEqual([0, 150, 150, 150])
    for (const [i, tool] of (sent[2] ?? []).entries()) expect(tool.rules).toBe(sent[1]?.[i]?.rules)
  },
)

test.each([
  [chatPath, story()],
  ['/v1/messages', { ...story(), max_tokens: 1 }],
  ['/v1/messages/count_tokens', story()],
  ['/v1/responses', { input: 'Hi' }],
  ['/v1/responses/input_tokens', { input: 'Hi' }],
  ['/apply-template', story()],
])('%s reads its tools some at a time', async (path, body) => {
  const { url, engine } = await serve()
  const prepare = vi.spyOn(engine, 'prepareTools')
  const schema = { type: 'object', properties: { city: { type: 'string' } } }
  const key = path.includes('messages') ? 'input_schema' : 'parameters'
  const tool = { name: 'weather', [key]: schema }
  const response = await postJson(url, path, { ...body, tools: [tool] })
  expect([response.status, await response.text()]).toEqual([200, expect.any(String)])
  expect(prepare).toHaveBeenCalledTimes(1)
})

/** The longest turns, and all together. */
function shown(turns: number[]): string {
  const longest = turns.toSorted((a, b) => b - a).slice(0, 3)
  const sum = turns.reduce((all, turn) => all + turn, 0)
  return `${longest.map((turn) => turn.toFixed(0)).join(' + ')} of ${sum.toFixed(0)}`
}
