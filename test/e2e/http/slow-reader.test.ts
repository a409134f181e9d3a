import type { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { scriptModel } from '../../support/models/script-model.js'
import { post } from '../../support/raw-client.js'
import { chat, chatPath, closeAfterEach, story } from '../../support/serve.js'
import { serveReal } from '../../support/serve-real.js'
import { textOf } from '../../support/sse.js'
import { wireCheck } from '../../support/wire/checks.mjs'

closeAfterEach()

const said = 'Grüße an 🦊 und 漢字, noch einmal. '
const long = { ignore_eos: true, max_tokens: 6_000 }
// Two tokens a chunk: with more of them the whole reply would fit what the kernels buffer.
const settings = () => ({
  model: scriptModel({ reply: said, repeat: true }),
  context: 8192,
  window: 2,
})

describe(wireCheck(32, 33, 35), () => {
  test('a reader that never reads is parked, and gets all once it reads', async () => {
    const { engine, server, client, url } = await serveReal(settings())
    const sockets: Socket[] = []
    server.server.on('connection', (socket) => sockets.push(socket))
    const raw = await client({ reads: false })
    raw.send(post(chatPath, story(long)))
    let looks = 0
    await eventually(() => {
      // A reply is parked for a moment now and then; this one is for good.
      const isStuck = engine.stats().parked === 1 && sockets[0]?.writableLength !== 0
      looks = isStuck ? looks + 1 : 0
      return looks > 100
    }, 'it was never parked')

    const [socket] = sockets
    // Window, write buffer and what the kernel hides of a connection whose send buffer is 16 KiB.
    // Now and then it packs what waits there, and takes some more.
    const isBounded = () => (socket?.bytesWritten ?? 0) < 512 * 1024
    expect(isBounded()).toBe(true)
    const before = engine.stats()
    const neighbour = await chat(url, story({ ...long, max_tokens: 1000 }))
    expect((await neighbour.text()).endsWith('[DONE]\n\n')).toBe(true)
    await eventually(() => engine.stats().parked === 1, 'it is parked no more')
    expect(isBounded()).toBe(true)
    const made = engine.stats().tokensGenerated - before.tokensGenerated
    expect(made).toBeGreaterThanOrEqual(1000)
    expect(made).toBeLessThan(1500) // one that went on would have as many as its neighbour

    raw.read()
    await eventually(() => raw.text.endsWith('0\r\n\r\n'), 'it never ended')
    // The limit may fall into the middle of a character.
    const text = textOf(raw.body).replace(/\ufffd$/, '')
    expect(text === said.repeat(1000).slice(0, text.length)).toBe(true)
    expect(text.length).toBeGreaterThan(10_000)
    expect(raw.body).toContain('"finish_reason":"length"')
  })
})

describe(wireCheck(34), () => {
  test('the slot of a reader that never reads is free again at the stall deadline', async () => {
    const { engine, client, url, quiet } = await serveReal(
      { ...settings(), parallel: 1 },
      { readerStallMs: 200 },
    )
    const raw = await client({ reads: false })
    raw.send(post(chatPath, story(long)))
    await eventually(() => engine.stats().cancelled === 1, 'it was never reset')
    await quiet()
    const next = await chat(url, story({ stream: false, max_tokens: 5, ignore_eos: true }))
    expect(next.status).toBe(200)
  })
})

describe(wireCheck(41), () => {
  test('a drain lets the running reply finish, then the engine is at rest', async () => {
    const { engine, server, client, quiet } = await serveReal(settings())
    const raw = await client()
    raw.send(post(chatPath, story({ ...long, max_tokens: 2000 })))
    await raw.seen('"role"')
    await server.drain()
    await raw.closed()
    expect(raw.body.endsWith('data: [DONE]\n\n')).toBe(true)
    await quiet()
    expect(engine.stats()).toMatchObject({ finished: 1, cancelled: 0, failed: 0 })
  })
})

/** Bytes that the kernel took of what a socket was given. */
function taken(socket: Socket | undefined): number {
  const { _handle: handle } = socket as unknown as {
    _handle: { bytesWritten: number; writeQueueSize: number }
  }
  return handle.bytesWritten - handle.writeQueueSize
}

// What a stream must not have is what a large reply needs: with 16 KiB, 10 MB took six seconds.
test.each([false, true])(
  'a large reply that is no stream goes out by more than 16 KiB, after a stream: %j',
  async (isAfterStream) => {
    const { server, client } = await serveReal(settings())
    const sockets: Socket[] = []
    server.server.on('connection', (socket) => sockets.push(socket))
    const raw = await client()
    if (isAfterStream) {
      raw.send(post(chatPath, story({ max_tokens: 5 })))
      await raw.seen('[DONE]')
    }
    raw.socket.pause()
    const before = taken(sockets[0])
    raw.send(post('/tokenize', { content: 'a story '.repeat(60_000), with_pieces: true }))
    const isFast = () => taken(sockets[0]) - before > 400 * 1024
    await eventually(isFast, 'the kernel took too little')
    raw.socket.resume()
    await eventually(() => raw.text.endsWith(']}'), 'it never ended')
  },
)
