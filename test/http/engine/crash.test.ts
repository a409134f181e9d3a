import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually, settle } from '../../support/eventually.js'
import { FakeAddon } from '../../support/fake-binding.js'
import type { FakeProcesses } from '../../support/isolated/fake-process.js'
import { overProcess } from '../../support/isolated/over-process.js'
import {
  chat,
  closeAfterEach,
  counting,
  postJson,
  serve,
  stepUntil,
  story,
} from '../../support/serve.js'
import { eventsOf, textOf } from '../../support/sse.js'

// What clients hear where the engine has a process of its own and that dies: with fakes in the
// place of both. test/e2e/isolation/cli-serve.test.ts kills real ones.

let processes!: FakeProcesses
const { portOf } = FakeAddon
beforeAll(() => {
  FakeAddon.portOf = (Engine) => {
    return overProcess(Engine, {
      onProcesses: (made) => {
        processes = made
      },
    })
  }
})
afterAll(() => {
  FakeAddon.portOf = portOf
})
closeAfterEach()

const killed = { code: null, signal: 'SIGKILL' }
const words = /^the engine's process was ended by SIGKILL .*; ask for it again$/

async function served() {
  const one = await serve({ pace: 'manual', script: () => ({ tokens: counting() }) })
  const dies = async () => {
    processes.last.die(killed)
    await eventually(() => one.engine.stats().restartsCrashed === 1)
  }
  const streams = async () => {
    await stepUntil(one.native, () => one.native.produced.size > 0)
    await settle()
  }
  return { ...one, dies, streams }
}

describe('a reply that had begun, whose engine’s process dies', () => {
  test('ends its stream of a chat with a frame that has the code, and its text once', async () => {
    const { url, dies, streams, log } = await served()
    const answer = chat(url, story()).then((response) => response.text())
    await streams()
    await dies()
    const text = await answer
    expect(eventsOf(text).at(-1)).toBe('error')
    expect(text).toContain('"code":"engine_crashed"')
    expect(text).not.toContain('[DONE]')
    expect(textOf(text.replace(/data: \{"error".*\n\n/, ''))).toMatch(/^0 (1 )?/)
    await eventually(() => log.length === 1)
    expect(log[0]).toMatchObject({ outcome: 'failed', code: 'engine_crashed' })
  })

  test('is a 503 with Retry-After where nothing was sent yet', async () => {
    const { url, dies, streams } = await served()
    const answer = chat(url, story({ stream: false }))
    await streams()
    await dies()
    const response = await answer
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('1')
    const message = expect.stringMatching(words)
    const error = { message, type: 'server_error', param: null, code: 'engine_crashed' }
    expect(await response.json()).toEqual({ error })
  })

  test('ends a stream of Anthropic’s Messages with an event of an api_error', async () => {
    const { url, dies, streams } = await served()
    const body = { model: 'default', max_tokens: 50, messages: story().messages, stream: true }
    const answer = postJson(url, '/v1/messages', body).then((response) => response.text())
    await streams()
    await dies()
    const text = await answer
    expect(eventsOf(text).at(-1)).toBe('error')
    expect(text).toContain('"type":"api_error"')
    expect(text).not.toContain('message_stop')
  })
})

test('requests that come while an engine is started again wait, and are answered', async () => {
  const { url, engine } = await serve({ script: () => ({ tokens: ['a', 'b'] }) })
  processes.last.die(killed)
  await eventually(() => engine.stats().isRestarting)
  const answer = await chat(url, story({ stream: false }))
  expect(answer.status).toBe(200)
  expect(engine.stats()).toMatchObject({ restartsCrashed: 1, finished: 1 })
  expect((await fetch(`${url}/health`)).status).toBe(200)
})
