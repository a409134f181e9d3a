import { describe, expect, test } from 'vitest'
import { eventually, settle } from '../../support/eventually.js'
import { post } from '../../support/raw-client.js'
import { closeAfterEach, counting, serve, stepUntil } from '../../support/serve.js'
import { wireCheck } from '../../support/wire/checks.mjs'
import { eventsOf, respond, responsesPath } from '../../support/wire/responses.js'

// Streams of responses whose client leaves, waits or reads nothing, over the fake.

closeAfterEach()

const input = 'Tell me a story'
const endless = () => ({ tokens: counting() })

describe('a client that hangs up', () => {
  test.each([true, false])('frees its slot, stream: %j', async (stream) => {
    const { native, client, log } = await serve({ pace: 'manual', script: endless })
    const raw = await client()
    raw.send(post(responsesPath, { input, stream }))
    await stepUntil(native, () => native.stats().tokensGenerated >= 3)
    raw.socket.destroy()
    await eventually(() => native.cancelled.length === 1)
    native.step()
    expect(native.stats()).toMatchObject({ running: 0, queued: 0, parked: 0, cancelled: 1 })
    await eventually(() => log.length === 1)
    expect(log[0]).toMatchObject({ route: responsesPath, outcome: 'gone' })
  })

  test('leaves nothing that is kept', async () => {
    const server = { responseStore: 10 }
    const { native, client, url } = await serve({ pace: 'manual', script: endless, server })
    const raw = await client()
    raw.send(post(responsesPath, { input, stream: true }))
    await stepUntil(native, () => raw.text.includes('output_text.delta'))
    const id = /"id":"(resp_\w+)"/.exec(raw.text)?.[1] ?? ''
    raw.socket.destroy()
    await eventually(() => native.cancelled.length === 1)
    native.step()
    expect((await fetch(`${url}${responsesPath}/${id}`)).status).toBe(404)
  })
})

describe(wireCheck(45), () => {
  test('a stream is kept alive in silence by events, which have their numbers', async () => {
    const { native, client } = await serve({ pace: 'manual', server: { pingMs: 5 } })
    const raw = await client()
    raw.send(post(responsesPath, { input, stream: true }))
    await eventually(() => native.submitted.length === 1)
    native.accept(native.submitted[0]?.id ?? 0)
    while (!/(event: keepalive\n[\s\S]*){3}/.test(raw.text)) await settle(1)
    await stepUntil(native, () => raw.text.includes('response.completed'))
    await eventually(() => raw.text.endsWith('0\r\n\r\n'))
    const frames = raw.text.slice(raw.text.indexOf('event: ')).replace(/\r\n[0-9a-f]+\r\n/g, '')
    const events = eventsOf(frames)
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, i) => i))
    expect(events.filter(({ type }) => type === 'keepalive').length).toBeGreaterThanOrEqual(3)
  })
})

test('a reader that stops has the engine wait, and gets the rest when it goes on', async () => {
  const tokens = Array.from({ length: 200 }, (_, i) => `${i} ${'x'.repeat(65_536)} `)
  const script = () => ({ tokens })
  const { native, client, url } = await serve({ script, engine: { window: 4 } })
  const raw = await client({ reads: false })
  raw.send(post(responsesPath, { input, stream: true }))
  await eventually(() => native.stats().parked === 1)
  expect(native.stats().tokensGenerated).toBeLessThan(200)
  raw.read()
  // To look through all of it again and again takes longer than to send it.
  const isWhole = () => Buffer.concat(raw.segments.slice(-2)).toString().endsWith('0\r\n\r\n')
  await eventually(isWhole)
  expect(raw.text).toContain('response.completed')
  const { output } = await respond(url, { input })
  expect(output[0]?.content?.[0]?.text === tokens.join('')).toBe(true)
  expect(raw.text.match(/event: response.output_text.done/g)).toHaveLength(1)
  expect(raw.text.split(JSON.stringify(tokens[199]).slice(1, -1)).length).toBeGreaterThan(1)
})

test('a drain ends what still runs with an error and a failed response', async () => {
  const { native, client, server } = await serve({ pace: 'manual', script: endless })
  const raw = await client()
  raw.send(post(responsesPath, { input, stream: true }))
  await stepUntil(native, () => raw.text.includes('output_text.delta'))
  await server.drain({ deadlineMs: 0 })
  await eventually(() => raw.text.includes('response.failed'))
  expect(raw.text).toMatch(/"type":"error","sequence_number":\d+,"code":"shutting_down"/)
  expect(raw.text).toMatch(/"error":\{"code":"server_error"/)
})
