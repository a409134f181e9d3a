import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { jsonInTags, type Step, turnsOf } from '../support/agents/plan.js'
import { templateText } from '../support/agents/session.js'
import type { RunningCli } from '../support/cli.js'
import { turnModel } from '../support/models/turn-model.js'
import { nodeUnderTest, programs } from '../support/packages/package-under-test.js'
import { freePort, requireWarning, startProgram } from '../support/program.js'
import { framesOf, textOf } from '../support/sse.js'

// Each example as a newcomer would run it: a process of its own, with what it prints or serves. The
// programs of docs/tools.md are among them.
// What the model tells is another story each time, so only its length is looked at.

const folder = programs('examples')
const hosts = programs('test/examples/programs')
const ask = [{ role: 'user', content: 'Tell me a story about a fox' }]

/** What a model that calls tools says, in the examples that need one. */
const weatherTurns: Step[] = [
  {
    text: 'I look.',
    call: { name: 'get_weather', arguments: { city: 'Paris' } },
  },
  { text: 'It is clear in Paris.' },
]
const toldOfTools = [
  String.raw`\[turn 01\] I look\.\s*get_weather \{ city: 'Paris' \} `,
  String.raw`\{"city":"Paris","sky":"clear","celsius":21\}\n`,
  String.raw`\[turn 02\] It is clear in Paris\.\n\(stop after 2 replies, \d+ tokens\)\n`,
].join('')
const sumTurns: Step[] = [
  { text: 'I add.', call: { name: 'get-sum', arguments: { a: 2, b: 40 } } },
  { text: 'It is 42.' },
]
const toldOfMcp = [
  String.raw`\[turn 01\] I add\.\s*get-sum \{ a: 2, b: 40 \} The sum of 2 and 40 is 42\.\n`,
  String.raw`\[turn 02\] It is 42\.\n\(\d\d tools\)\n`,
].join('')

function callingModel(steps: Step[]): string {
  const chatTemplate = templateText('Qwen-Qwen2.5-7B-Instruct.jinja')
  return turnModel({ turns: turnsOf(steps, jsonInTags), chatTemplate })
}

const printed: [name: string, output: RegExp, model?: () => string][] = [
  ['chat.mjs', /^.{60,}\n\((stop|length), \d+ tokens\)\n$/s],
  ['chat.cjs', /^.{60,}\n\((stop|length), \d+ tokens\)\n$/s],
  ['abort.mjs', /^stopped after: .{41,}\n$/s],
  ['long-chat.mjs', /^(\w+: \d+ of \d+ tokens known(, \d+ messages dropped)?\n){10}$/],
  ['slow-reader.mjs', /^100 tokens read, the engine never more than (\d|1[0-6]) ahead\n$/],
  ['worker.mjs', /^.{60,}\n\(the worker ended with 0\)\n$/s],
  ['tools.mjs', new RegExp(`^${toldOfTools}$`), () => callingModel(weatherTurns)],
  ['mcp.mjs', new RegExp(`^${toldOfMcp}$`), () => callingModel(sumTurns)],
]

const mounted = ['http.mjs', 'express.mjs', 'fastify.mjs', 'hono.mjs', 'fetch.mjs', 'nest.mjs']
const ofNext = ['next-pages-api.mjs', 'next-app-api.mjs', 'route.mjs'] // see next.test.ts, too

test('each example has its place in examples/README.md, and is run here', () => {
  const files = readdirSync('examples').filter((name) => /\.[cm]?js$/.test(name))
  const run = [...printed.map(([name]) => name), ...mounted, ...ofNext]
  expect([...run].sort()).toEqual(files.sort())
  const readme = readFileSync('examples/README.md', 'utf8')
  expect(files.filter((name) => !readme.includes(`[${name}](${name})`))).toEqual([])
})

test.each(printed)('%s prints what it says, and ends', async (name, output, model) => {
  const args = [path.join(folder, name), ...(model === undefined ? [] : [model()])]
  const result = await startProgram(nodeUnderTest, args).result
  const stderr = expect.stringMatching(name.endsWith('.cjs') ? requireWarning : /^$/)
  expect(result).toEqual({ code: 0, stdout: expect.stringMatching(output), stderr })
})

describe.each(mounted)('%s', (name) => {
  test('serves OpenAI’s API beside its own page, and ends at SIGTERM', async () => {
    const port = await freePort()
    const env = { PORT: String(port) }
    const program = startProgram(nodeUnderTest, [path.join(folder, name)], { env })
    const [, url = ''] = await program.said(/^(http:\S+\/v1)\n/)
    expect(await (await get(new URL('/', url).href)).text()).toBe('the page of your app')
    await servesOpenAi(url)
    const code = name === 'nest.mjs' ? null : 0 // Nest ends its process by the signal that came
    expect(await endedInReply(program, url)).toMatchObject({ code, stderr: '' })
  })
})

test.each(['raw', 'parsed'])('next-pages-api.mjs serves OpenAI’s API, the body %s', async (how) => {
  const port = String(await freePort())
  const host = path.join(hosts, 'serve-pages.mjs')
  const args = [host, path.join(folder, 'next-pages-api.mjs'), port, how]
  const program = startProgram(nodeUnderTest, args)
  await program.said(/^ready\n/)
  const url = `http://127.0.0.1:${port}/api/ai/v1`
  const health = async () => (await get(`${url}/health`)).status
  await expect.poll(health).toBe(200)
  await servesOpenAi(url)
  expect(await endedInReply(program, url)).toMatchObject({ code: 0, stderr: '' })
})

test('next-app-api.mjs serves OpenAI’s API', async () => {
  const port = String(await freePort())
  const host = path.join(hosts, 'serve-route.mjs')
  const program = startProgram(nodeUnderTest, [host, path.join(folder, 'next-app-api.mjs'), port])
  await program.said(/^ready\n/)
  const url = `http://127.0.0.1:${port}/api/llm/v1`
  const health = async () => (await get(`${url}/health`)).status
  await expect.poll(health).toBe(200)
  await servesOpenAi(url)
  expect(await endedInReply(program, url)).toMatchObject({ code: 0, stderr: '' })
})

/** A stream that comes piece by piece, a client that hangs up, and paths that nobody has. */
async function servesOpenAi(url: string): Promise<void> {
  const models = await (await get(`${url}/models`)).json()
  expect(models).toMatchObject({ data: [{ id: 'storyteller' }, { id: 'default' }] })
  expect((await get(`${url}/nothing`)).status).toBe(404)

  const story = await postChat(`${url}/chat/completions`)
  expect(story.headers.get('content-type')).toMatch(/^text\/event-stream/)
  expect(story.headers.get('content-encoding')).toBeNull()
  const pieces = await piecesOf(story)
  expect(pieces[0]).not.toContain('[DONE]')
  expect(pieces.length).toBeGreaterThan(3)
  const stream = pieces.join('')
  expect(framesOf(stream).at(-1)).toBe('data: [DONE]')
  expect(textOf(stream)).toMatch(/^.{60,}$/s)

  const cancelled = async () => {
    const metrics = await (await get(`${url}/metrics`)).text()
    return Number(
      /^sluice_requests_ended_total\{outcome="cancelled".*\} (\d+)$/m.exec(metrics)?.[1],
    )
  }
  expect(await cancelled()).toBe(0)
  // Some 2 MB of frames, so that it does not come to its end by itself before anybody leaves.
  const wordy = { ignore_eos: true, logprobs: true, top_logprobs: 20 }
  await leaveEarly((signal) => postChat(`${url}/chat/completions`, signal, wordy))
  await expect.poll(cancelled).toBe(1)
  expect(await (await postChat(`${url}/chat/completions`)).text()).toContain('[DONE]')
}

async function piecesOf({ body }: Response): Promise<string[]> {
  const pieces: string[] = []
  for await (const piece of body?.pipeThrough(new TextDecoderStream()) ?? []) pieces.push(piece)
  return pieces
}

test('route.mjs answers with the text as it comes, and with a status where it cannot', async () => {
  const port = String(await freePort())
  const host = path.join(hosts, 'serve-route.mjs')
  const program = startProgram(nodeUnderTest, [host, path.join(folder, 'route.mjs'), port])
  await program.said(/^ready\n/)
  const url = `http://127.0.0.1:${port}/`

  const story = await post(url, { messages: ask })
  expect(story.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  expect(await story.text()).toMatch(/^.{60,}$/s)
  const refused = await post(url, { messages: [{ role: 'nobody', content: 'hello' }] })
  expect(refused.status).toBe(400)
  expect(await refused.json()).toMatchObject({ error: expect.stringContaining('nobody') })

  const headers = { 'Content-Type': 'application/json', Connection }
  const broken = await fetch(url, { method: 'POST', headers, body: '{"messages": [' })
  expect(broken.status).toBe(400)

  await leaveEarly((signal) => post(url, { messages: ask }, signal))
  expect(await (await post(url, { messages: ask })).text()).not.toBe('')
  expect(await ended(program)).toMatchObject({ code: 0, stderr: '' })
})

test('route.mjs has a status for each fault of a request, and of the engine', async () => {
  const statuses = {
    ...{ ERR_OVERLOADED: 429, ERR_QUEUE_TIMEOUT: 503, ERR_CLOSED: 503, ERR_ENGINE_ENDED: 503 },
    ...{ ERR_INVALID_REQUEST: 400, ERR_INVALID_OPTION: 400, ERR_CONTEXT_LENGTH: 400 },
    ERR_ENGINE_FAILED: 500,
  }
  const host = path.join(hosts, 'route-statuses.mjs')
  const args = [host, path.join(folder, 'route.mjs'), ...Object.keys(statuses)]
  const { stdout, stderr } = await startProgram(nodeUnderTest, args).result
  expect({ statuses: JSON.parse(stdout), stderr }).toEqual({ statuses, stderr: '' })
})

// Connections that fetch() keeps, or opens ahead, would be waited for at the server's end.
const Connection = 'close'

function get(url: string): Promise<Response> {
  return fetch(url, { headers: { Connection } })
}

function post(url: string, body: object, signal: AbortSignal | null = null): Promise<Response> {
  const headers = { 'Content-Type': 'application/json', Connection }
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal })
}

function postChat(url: string, signal?: AbortSignal, more: object = {}): Promise<Response> {
  return post(url, { model: 'default', messages: ask, stream: true, ...more }, signal)
}

/** Reads one piece of an answer, and hangs up. */
async function leaveEarly(open: (signal: AbortSignal) => Promise<Response>): Promise<void> {
  const controller = new AbortController()
  const { body } = await open(controller.signal)
  expect((await body?.getReader().read())?.done).toBe(false)
  controller.abort()
}

/** The signal comes while a reply is under way, which goes on to its end. */
async function endedInReply(program: RunningCli, url: string) {
  const long = { ignore_eos: true, max_tokens: 400 }
  const { body } = await postChat(`${url}/chat/completions`, undefined, long)
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = (await reader?.read())?.value ?? ''
  expect(text).not.toContain('[DONE]')
  const result = ended(program)
  for (;;) {
    const { done = true, value = '' } = (await reader?.read()) ?? {}
    if (done) break
    text += value
  }
  expect(framesOf(text).at(-1)).toBe('data: [DONE]')
  return result
}

function ended(program: RunningCli) {
  program.child.kill('SIGTERM')
  return program.result
}
