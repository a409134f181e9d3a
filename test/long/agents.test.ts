import { readdirSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Agent, agents, contextTokens } from '../support/agents/agents.js'
import { type Asked, askedOf, type ChatBody } from '../support/agents/asked.js'
import { runAgent, type Session, templateFolder, templateText } from '../support/agents/session.js'
import { randomModel } from '../support/models/random-model.js'
import { chat, closeAfterEach } from '../support/serve.js'
import { serveReal } from '../support/serve-real.js'

// Agents that people use, unchanged, as npm has them: each does a task of ten turns with tools,
// whose replies the model knows by heart, and what they sent is then shown to all templates.

closeAfterEach()

const sessions = new Map<string, Session>()

beforeAll(async () => {
  for (const agent of agents) sessions.set(agent.name, await runAgent(agent))
}, 20 * 60_000)

describe.each(agents)('$name', ({ name }) => {
  const session = () => sessions.get(name) as Session
  /** Of the task, not of titles and the like. */
  const turns = () => askedOf(session().exchanges).filter(({ request }) => request.tools?.length)

  test('does the task, and nothing that it asks is refused', () => {
    const { exchanges, problems, outputs, files } = session()
    const statuses = exchanges.map(({ status }) => status)
    console.log(reportOf(name, session(), turns()))
    expect(statuses, outputs.join('\n')).toEqual(exchanges.map(() => 200))
    expect(problems).toEqual([])
    const written = '# Summary\n\nThree "facts".\n'
    expect(files).toMatchObject({ 'summary.md': written, 'list.md': 'é, 漢字, 🦊\n', done: '' })
    expect(turns().length).toBeGreaterThanOrEqual(10)
    expect(turns().filter(({ finishReason }) => finishReason === 'tool_calls')).toHaveLength(8)
    expect(turns().at(-1)?.finishReason).toBe('stop')
  })

  test('goes on after a call that was cut', () => {
    const at = turns().findIndex(({ finishReason }) => finishReason === 'length')
    const cut = turns()[at]?.callArguments ?? ''
    expect(cut).toContain('a line of the long list')
    expect(() => JSON.parse(cut)).toThrow()
    expect(turns().slice(at + 1).length).toBeGreaterThanOrEqual(4)
  })

  test('has each turn compute only what the last one had not', () => {
    for (const [i, { cachedTokens, promptTokens }] of turns().entries()) {
      const before = turns()[i - 1]?.promptTokens ?? 0
      expect(cachedTokens).toBeGreaterThan(before * 0.95 - 1)
      expect(promptTokens).toBeGreaterThan(before)
    }
  })
})

function reportOf(name: string, { exchanges, outputs }: Session, turns: Asked[]): string {
  const refused = exchanges.filter(({ status }) => status >= 400 && status < 500).length
  const prompts = turns.map(({ promptTokens }) => promptTokens).join(' ')
  const cached = turns.map(({ cachedTokens }) => cachedTokens).join(' ')
  return (
    `${name}: ${exchanges.length} requests, ${refused} refused, ${turns.length} turns of ` +
    `${outputs.length} starts\n  prompt tokens ${prompts}\n  cached tokens ${cached}`
  )
}

describe('the requests of agents, shown to each of the templates', () => {
  /** The first of a kind, and the last of the task, which has all its turns and the cut call. */
  const requestsOf = ({ name }: Agent): [string, ChatBody][] => {
    const all = askedOf(sessions.get(name)?.exchanges ?? []).map(({ request }) => request)
    const title = all.find(({ tools = [] }) => tools.length === 0)
    const withTools = all.filter(({ tools = [] }) => tools.length > 0)
    const kinds = { title, 'first turn': withTools[0], 'last turn': withTools.at(-1) }
    return Object.entries(kinds).flatMap(([kind, request]) =>
      request === undefined ? [] : [[`${name}, ${kind}`, request]],
    )
  }
  const templates = readdirSync(templateFolder).filter((name) => name.endsWith('.jinja'))
  const model = randomModel({ tokenizer: 'gpt-2', layers: 1, embedding: 32, context: 131_072 })
  const taken = new Map<string, number>()
  const known = new Map<string, number>()
  const refused: string[] = []

  test.each(templates)('are taken by %s', async (template) => {
    const { url, engine } = await serveReal({
      model,
      chatTemplate: templateText(template),
      context: contextTokens,
      parallel: 1,
    })
    for (const [name, request] of agents.flatMap(requestsOf)) {
      // Templates that know no tools are right to refuse them.
      if (request.tools !== undefined && !engine.model.canCallTools) continue
      known.set(name, (known.get(name) ?? 0) + 1)
      const answer = await statusOf(url, request)
      if (answer === '200') taken.set(name, (taken.get(name) ?? 0) + 1)
      else refused.push(`${template}: ${name}: ${answer}`)
    }
  })

  test('are taken by each template, with tools by each that knows tools', () => {
    const lines = [...known].map(([name, all]) => `${name}: ${taken.get(name) ?? 0} of ${all}`)
    console.log([...lines, ...refused].join('\n'))
    expect(known.get('opencode, title')).toBe(templates.length)
    expect(known.get('opencode, first turn')).toBe(64)
    expect(refused).toEqual([])
  })
})

/** Of a chat whose prompt and grammar are made; it is left before anything is computed. */
async function statusOf(url: string, request: ChatBody): Promise<string> {
  const leave = new AbortController()
  const response = await chat(url, { ...request, stream: true }, { signal: leave.signal })
  if (response.status !== 200) return `${response.status} ${(await response.text()).slice(0, 400)}`
  leave.abort()
  return '200'
}
