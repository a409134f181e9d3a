import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { hosts } from '../../support/packages/hosts.js'
import { freePort, startProgram } from '../../support/program.js'

// An app of Next.js with our three examples for it, as docs/bundlers.md says: a route handler
// (app/api/chat), and OpenAI's API in route handlers (app/api/llm) and API routes (pages/api/ai).
// Behind pages/api/parsed Next has read the body before.

let folder: string
let next: (...args: string[]) => ReturnType<typeof startProgram>

beforeAll(async () => {
  const home = await hosts()
  folder = path.join(home, 'next')
  const cli = path.join(home, 'node_modules/next/dist/bin/next')
  addExample('route.mjs', 'app/api/chat/route.js')
  addExample('next-pages-api.mjs', 'pages/api/ai/[...path].js')
  addExample('next-app-api.mjs', 'app/api/llm/[...path]/route.js')
  const env = { NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: '', VITEST: '' }
  next = (...args) => startProgram(process.execPath, [cli, ...args], { cwd: folder, env })
  rmSync(path.join(folder, '.next'), { recursive: true, force: true })
}, 15 * 60_000)

function addExample(name: string, route: string): void {
  const file = path.join(folder, route)
  mkdirSync(path.dirname(file), { recursive: true })
  copyFileSync(path.join('examples', name), file)
}

const ask = [{ role: 'user', content: 'Tell me a story' }]

describe.each([
  ['production', 'start'],
  ['development', 'dev'],
])('Next.js in %s', (name, command) => {
  beforeAll(async () => {
    if (name !== 'production') return
    const { code, stdout, stderr } = await next('build').result
    expect(code, stdout + stderr).toBe(0)
  }, 15 * 60_000)

  test(
    'streams chunk by chunk, and a client that leaves ends its reply',
    async () => {
      const port = await freePort()
      const program = next(command, '--port', String(port))
      await program.said(/Ready in/)
      await usesRoutes(`http://127.0.0.1:${port}`)
      program.child.kill('SIGTERM')
      await program.result
    },
    15 * 60_000,
  )
})

async function usesRoutes(url: string): Promise<void> {
  expect(await (await fetch(url)).text()).toContain('the page of your app')
  const chat = `${url}/api/chat`
  expect((await chunksOf(await post(chat, { messages: ask }))).length).toBeGreaterThan(1)
  await leaves(url, () => post(chat, { messages: ask }, true))
  for (const prefix of ['/api/ai', '/api/parsed', '/api/llm']) await usesOpenAi(url, url + prefix)
}

async function usesOpenAi(url: string, base: string): Promise<void> {
  const completions = `${base}/v1/chat/completions`
  await vi.waitFor(async () => {
    // While the model is loaded the answer is a 503.
    expect((await post(completions, { messages: ask, max_tokens: 1 })).status).toBe(200)
  }, 60_000)
  const whole = await post(completions, { messages: ask, max_tokens: 5 })
  expect(await whole.json()).toMatchObject({ choices: [{ message: { role: 'assistant' } }] })
  const streamed = await chunksOf(
    // More than a window of them, so that they cannot come at once.
    await post(completions, { messages: ask, stream: true, ignore_eos: true, max_tokens: 600 }),
  )
  expect(streamed.length).toBeGreaterThan(5)
  expect(streamed.join('')).toMatch(/^data: \{.*data: \[DONE\]\n\n$/s)
  const wrong = await post(completions, { messages: 'none' })
  expect(wrong.status).toBe(400)
  expect(await wrong.json()).toMatchObject({ error: { param: 'messages' } })
  const long = { messages: ask, stream: true, ignore_eos: true }
  await leaves(url, () => post(completions, long, true))
}

const controllers: AbortController[] = []

function post(url: string, body: object, mayLeave = false): Promise<Response> {
  const controller = new AbortController()
  if (mayLeave) controllers.push(controller)
  const headers = { 'content-type': 'application/json' }
  const { signal } = controller
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal })
}

async function chunksOf({ status, body }: Response): Promise<string[]> {
  expect(status).toBe(200)
  const chunks: string[] = []
  const decoder = new TextDecoder()
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    chunks.push(decoder.decode(chunk, { stream: true }))
  }
  return chunks
}

/**
 * Reads one chunk and hangs up, which the engine's own numbers show. A story may come to its end
 * before that: then it is another one that is left.
 */
async function leaves(url: string, open: () => Promise<Response>): Promise<void> {
  const stats = async () => {
    const answer = await fetch(`${url}/api/stats`)
    return (await answer.json()) as { running: number; cancelled: number; finished: number }
  }
  for (let stories = 0; ; stories++) {
    expect(stories, 'stories that were not left').toBeLessThan(20)
    const before = await stats()
    const { body } = await open()
    expect((await body?.getReader().read())?.done).toBe(false)
    controllers.pop()?.abort()
    let now = before
    await vi.waitFor(
      async () => {
        now = await stats()
        expect(now.running).toBe(0)
        expect(now.cancelled + now.finished).toBe(before.cancelled + before.finished + 1)
      },
      { timeout: 60_000 },
    )
    if (now.cancelled > before.cancelled) return
  }
}
