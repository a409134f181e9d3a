import { expect, test, vi } from 'vitest'
import { ChunkEncoder } from '../../src/apis/openai/chat/writer.js'
import type { NativeRequest } from '../../src/binding/engine-port.js'
import { openLog } from '../../src/cli/log.js'
import { createServer as createNodeServer, describeFault } from '../../src/http/index.js'
import { createServer } from '../support/adapters/adapter.js'
import { eventually } from '../support/eventually.js'
import type { FakeFailure, Script } from '../support/fake-binding.js'
import { alsoClose, chat, closeAfterEach, serve, story } from '../support/serve.js'

// What the server says of its own faults: enough to find them, and nothing of a request.

closeAfterEach()

const prompt = 'a very private story'

test('a fault is told by its class, its code and its calls', () => {
  const error = Object.assign(new RangeError(prompt), { code: 'ERR_X' })
  const fault = describeFault(error)
  expect(fault).toMatchObject({ name: 'RangeError', code: 'ERR_X' })
  expect(fault.stack).toMatch(/^ {4}at .*fault\.test\.ts:\d+:\d+\)?/)
  expect(describeFault(prompt)).toEqual({ name: 'string', code: undefined, stack: '' })
})

test('no message of an error gets through, whatever it looks like', () => {
  const changed = new Error(prompt)
  changed.message = 'another'
  const named = new Error('x')
  named.name = prompt
  const coded = Object.assign(new Error('x'), { code: { prompt } })
  for (const error of [
    new Error(`first\n    at ${prompt} (file.js:1:2)\n    at ${prompt}:1:2`),
    changed,
    named,
    coded,
    new Error('x', { cause: new Error(prompt) }),
    new AggregateError([new Error(prompt)], prompt),
  ]) {
    expect(JSON.stringify(describeFault(error))).not.toContain('private')
  }
})

test.each(['text', 'json'] as const)(
  'no prompt is in a log of %s, however the request ends',
  async (format) => {
    const lines: string[] = []
    const log = await openLog(format, 'debug', { write: (text) => lines.push(text) })
    const codes = ['ERR_ENGINE_FAILED', 'ERR_INVALID_REQUEST', 'ERR_CANCELLED'] as const
    const script = ({ id }: NativeRequest): Script => {
      const code = codes[(id - 1) % codes.length] ?? 'ERR_CLOSED'
      const failure: FakeFailure = { code, message: `cannot take: ${prompt}` }
      return {
        tokens: [prompt],
        ...(id > 4 ? {} : id > 3 ? { refuse: failure } : { end: failure }),
      }
    }
    const { url, engine } = await serve({ script, server: { onLog: log.request } })
    const messages = [{ role: 'user', content: prompt }]
    const bodies = [
      ...Array.from({ length: 5 }, () => story({ messages })),
      story({ messages, stream: false }),
      story({ messages, temperature: prompt }),
      story({ messages: [{ role: prompt, content: prompt }] }),
      story({ messages, model: prompt }),
      `{"messages": "${prompt}`,
    ]
    for (const body of bodies) await (await chat(url, body)).text()
    vi.spyOn(engine, 'chat').mockImplementation(() => {
      throw new TypeError(`Cannot create property 'a' on string '${prompt}'`)
    })
    await (await chat(`${url}`, story({ messages }))).text()
    await (await fetch(`${url}/${encodeURIComponent(prompt)}?q=${prompt}`)).text()
    await eventually(() => lines.length === bodies.length + 2)
    const all = lines.join('')
    expect(all).toContain('TypeError')
    expect(all).not.toMatch(/private|story/)
  },
)

test('a fault without a log becomes a warning of the process, without its message', async () => {
  const { engine } = await serve()
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  alsoClose(async () => warn.mockRestore())
  vi.spyOn(engine, 'chat').mockImplementation(() => {
    throw new Error(prompt)
  })
  const server = createServer({ engine, port: 0 })
  const { url } = await server.listen()
  alsoClose(() => server.close())
  await (await chat(url, story())).text()
  await eventually(() => warn.mock.calls.length === 1)
  expect(JSON.stringify(warn.mock.calls)).toMatch(/SLUICE_REQUEST.*fault\.test\.ts/)
  expect(JSON.stringify(warn.mock.calls)).not.toContain('private')
})

test('a fault before a stream of Node’s has begun is a 500', async () => {
  const { engine, log } = await serve()
  const server = createNodeServer({ engine, port: 0, onLog: (entry) => log.push(entry) })
  const { url } = await server.listen()
  alsoClose(() => server.close())
  const opening = vi.spyOn(ChunkEncoder.prototype, 'opening').mockImplementation(() => {
    throw new Error(prompt)
  })
  alsoClose(async () => opening.mockRestore())
  const response = await chat(url, story())
  expect(response.status).toBe(500)
  expect(await response.json()).toMatchObject({ error: { code: 'internal_error' } })
  await eventually(() => log.length === 1)
  expect(log[0]).toMatchObject({ status: 500, outcome: 'failed' })
})
