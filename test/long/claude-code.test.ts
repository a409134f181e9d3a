import { beforeAll, describe, expect, test } from 'vitest'
import { claudeCode } from '../support/agents/claude-code.js'
import { runAgent, type Session, type Task } from '../support/agents/session.js'
import type { Recorded } from '../support/recorder.js'

// Claude Code, unchanged, as npm has it, against Messages: the task of ten turns that other agents
// do, and a conversation that outgrows the context. docs/messages.md tells how it is set up.

const isHere = process.platform === 'linux' && process.arch === 'x64'

interface Turn {
  status: number
  stopReason: string | undefined
  promptTokens: number
  cachedTokens: number
  error: string | undefined
}

interface Usage {
  input_tokens: number
  cache_read_input_tokens: number
}

/** What each request came to. */
function turnsOf(exchanges: readonly Recorded[]): Turn[] {
  return exchanges.map(({ status, answer }) => {
    const last = answer.split('\n\n').find((frame) => frame.startsWith('event: message_delta'))
    const json = JSON.parse(last?.replace(/^.*\ndata: /, '') ?? answer) as {
      delta?: { stop_reason: string }
      usage?: Usage
      error?: { message: string }
    }
    const { input_tokens = 0, cache_read_input_tokens: cached = 0 } = json.usage ?? {}
    return {
      status,
      stopReason: json.delta?.stop_reason,
      promptTokens: input_tokens + cached,
      cachedTokens: cached,
      error: json.error?.message,
    }
  })
}

/** Its fourth prompt is too long; what is left without the last answer is not. */
const outgrowing: Task = {
  context: 18_100,
  files: {},
  ask: 'List the facts, three times.',
  // Of a file it would show the text again, beside the summary.
  steps: ({ run }) => [
    { text: 'I list them.', call: run('seq -f "fact %g of the long list" 270') },
    { text: 'I list them again.', call: run('seq -f "fact %g of the long list" 270') },
    { text: 'And again.', call: run('seq -f "fact %g of the long list" 270') },
    // Its words where it asks for a summary, which is said then.
    { text: 'What would be said if there were room.', mark: 'Respond with TEXT ONLY' },
    { text: '<summary>THE SUMMARY: there are 270 facts.</summary>', mark: 'THE SUMMARY' },
    { text: 'All that was asked is done: they were listed.' },
  ],
}

describe.runIf(isHere)('ten turns with tools', () => {
  let session: Session
  const turns = () => turnsOf(session.exchanges)

  beforeAll(async () => {
    session = await runAgent(claudeCode)
    const prompts = turns().map(({ promptTokens, cachedTokens }) => [promptTokens, cachedTokens])
    console.log(`prompts, and of them cached: ${prompts.join('; ')}`)
  }, 20 * 60_000)

  test('are done, and nothing that is asked is refused', () => {
    const { exchanges, problems, outputs, files } = session
    expect(turns().map(({ status }) => status)).toEqual(exchanges.map(() => 200))
    expect(exchanges.map(({ url }) => url)).toEqual(exchanges.map(() => '/v1/messages?beta=true'))
    expect(problems).toEqual([])
    const written = '# Summary\n\nThree "facts".\n'
    expect(files).toMatchObject({ 'summary.md': written, 'list.md': 'é, 漢字, 🦊\n', done: '' })
    expect(turns().filter(({ stopReason }) => stopReason === 'tool_use')).toHaveLength(8)
    expect(turns().at(-1)?.stopReason).toBe('end_turn')
    expect(outputs).toEqual([expect.stringContaining('All that was asked is done')])
  })

  test('go on after a call that was cut', () => {
    const at = turns().findIndex(({ stopReason }) => stopReason === 'max_tokens')
    expect(at).toBe(5)
    expect(turns().length).toBeGreaterThan(at + 4)
  })

  test('compute only what is new, though a header for billing stands in front', () => {
    expect(session.exchanges[0]?.request).toContain('x-anthropic-billing-header')
    for (const [i, { cachedTokens }] of turns().entries()) {
      expect(cachedTokens).toBe(turns()[i - 1]?.promptTokens ?? 0)
    }
  })
})

test.runIf(isHere)('a conversation that outgrows the context is made shorter', async () => {
  const { exchanges, problems, outputs } = await runAgent(claudeCode, outgrowing)
  const turns = turnsOf(exchanges)
  expect(problems).toEqual([])
  const refused = turns.findIndex(({ status }) => status === 400)
  expect(turns[refused]?.error).toMatch(/^prompt is too long: \d+ tokens > 18100 maximum$/)
  expect(exchanges[refused + 1]?.request).toContain('Respond with TEXT ONLY')
  expect(turns.slice(refused + 1).map(({ status }) => status)).toEqual([200, 200])
  expect(exchanges.at(-1)?.request).toContain('THE SUMMARY')
  expect(outputs).toEqual([expect.stringContaining('All that was asked is done')])
})
