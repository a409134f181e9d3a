import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import type { RunningCli } from '../support/cli.js'
import { nodeUnderTest, programs } from '../support/packages/package-under-test.js'
import { freePort, requireWarning, startProgram } from '../support/program.js'
import { framesOf, textOf } from '../support/sse.js'

// Each example as a newcomer would run it: a process of its own, with what it prints or serves.
// What the model tells is another story each time, so only its length is looked at.

const folder = programs('examples')
const hosts = programs('test/examples/programs')
const ask = [{ role: 'user', content: 'Tell me a story about a fox' }]

const printed: [name: string, output: RegExp][] = [
  ['chat.mjs', /^.{60,}\n\((stop|length), \d+ tokens\)\n$/s],
  ['chat.cjs', /^.{60,}\n\((stop|length), \d+ tokens\)\n$/s],
  ['abort.mjs', /^stopped after: .{41,}\n$/s],
  ['long-chat.mjs', /^(\w+: \d+ of \d+ tokens known(, \d+ messages dropped)?\n){10}$/],
  ['slow-reader.mjs', /^100 tokens read, the engine never more than (\d|1[0-6]) ahead\n$/],
  ['worker.mjs', /^.{60,}\n\(the worker ended with 0\)\n$/s],
]

const mounted = ['express.mjs', 'fastify.mjs', 'hono.mjs']

test('each example has its place in examples/README.md, and is run here', () => {
  const files = readdirSync('examples').filter((name) => /\.[cm]?js$/.test(name))
  const run = [...printed.map(([name]) => name), ...mounted, 'route.mjs']
  expect([...run].sort()).toEqual(files.sort())
  const readme = readFileSync('examples/README.md', 'utf8')
  expect(files.filter((name) => !readme.includes(`[${name}](${name})`))).toEqual([])
})

test.each(printed)('%s prints what it says, and ends', async (name, output) => {
  const result = await startProgram(nodeUnderTest, [path.join(folder, name)]).result
  const stderr = expect.stringMatching(name.endsWith('.cjs') ? requireWarning : /^$/)
  expect(result).toEqual({ code: 0, stdout: expect.stringMatching(output), stderr })
})

describe.each(mounted)('%s', (name) => {
  test('serves OpenAI’s API beside its own page, and ends at SIGTERM', async () => {
    const port = await freePort()
    const env = { PORT: String(port) }
    const program = startProgram(nodeUnderTest, [path.join(folder, name)], { env })
    const [, url] = await program.said(/^(http:\S+)\/v1\n/)
    expect(await (await get(`${url}/`)).text()).toBe('the page of your app')
    const models = await (await get(`${url}/v1/models`)).json()
    expect(models).toMatchObject({ data: [{ id: 'storyteller' }, { id: 'default' }] })
    expect((await get(`${url}/v1/nothing`)).status).toBe(404)

    const story = await postChat(`${url}/v1/chat/completions`)
    expect(story.headers.get('content-type')).toMatch(/^text\/event-stream/)
    const stream = await story.text()
    expect(framesOf(stream).at(-1)).toBe('data: [DONE]')
    expect(textOf(stream)).toMatch(/^.{60,}$/s)

    await leaveEarly((signal) => postChat(`${url}/v1/chat/completions`, signal))
    expect(await (await postChat(`${url}/v1/chat/completions`)).text()).toContain('[DONE]')
    expect(await ended(program)).toMatchObject({ code: 0, stderr: '' })
  })
})

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

// Connections that fetch() keeps, or opens ahead, would be waited for at the server's end.
const Connection = 'close'

function get(url: string): Promise<Response> {
  return fetch(url, { headers: { Connection } })
}

function post(url: string, body: object, signal: AbortSignal | null = null): Promise<Response> {
  const headers = { 'Content-Type': 'application/json', Connection }
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal })
}

function postChat(url: string, signal?: AbortSignal): Promise<Response> {
  return post(url, { model: 'default', messages: ask, stream: true }, signal)
}

/** Reads one piece of an answer, and hangs up. */
async function leaveEarly(open: (signal: AbortSignal) => Promise<Response>): Promise<void> {
  const controller = new AbortController()
  const { body } = await open(controller.signal)
  expect((await body?.getReader().read())?.done).toBe(false)
  controller.abort()
}

function ended(program: RunningCli) {
  program.child.kill('SIGTERM')
  return program.result
}
