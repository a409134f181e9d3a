import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import type { NativeRequest } from '../../src/binding/engine-port.js'
import { type Engine, load } from '../../src/index.js'
import { eventually, settle } from '../support/eventually.js'
import { FakeAddon, type FakeOptions, type Script } from '../support/fake-binding.js'

// A reply as a whole: its text, a stream of its bytes, what cut it.

const ask = [{ role: 'user' as const, content: 'Tell me a story' }]
const twenty = Array.from({ length: 20 }, (_, i) => `${i} `)
const whole = twenty.join('')

function* endless(): Generator<string> {
  for (let i = 0; ; i++) yield `${i} `
}

let engine: Engine | undefined
afterEach(async () => {
  await engine?.close()
  engine = undefined
  useBinding(undefined)
})

async function open(script: (request: NativeRequest) => Script, options: FakeOptions = {}) {
  const addon = new FakeAddon({ script, ...options })
  useBinding(addon)
  engine = await load({ model: 'fake.gguf', window: 8 })
  return { addon, engine }
}

describe('text() is the whole text', () => {
  test('each time, after an iteration too', async () => {
    const { engine } = await open(() => ({ tokens: twenty }))
    const reply = engine.chat(ask)
    let read = ''
    for await (const { text } of reply) read += text
    expect(read).toBe(whole)
    expect([await reply.text(), await reply.text(), (await reply.done).text]).toEqual(
      Array(3).fill(whole),
    )
  })

  test('within the loop that reads it, which still gets all', async () => {
    const { engine } = await open(() => ({ tokens: twenty }))
    const reply = engine.chat(ask)
    let read = ''
    for await (const { text } of reply) {
      read += text
      expect(await reply.text()).toBe(whole)
    }
    expect(read).toBe(whole)
  })

  test('after an iteration that was begun and let be', async () => {
    const { engine } = await open(() => ({ tokens: twenty }))
    const reply = engine.chat(ask)
    await reply[Symbol.asyncIterator]().next()
    expect(await reply.text()).toBe(whole)
  })

  test('asked for before a loop, of a reply longer than its window', async () => {
    const { engine } = await open(() => ({ tokens: twenty }))
    const reply = engine.chat(ask)
    const text = reply.text()
    let read = ''
    for await (const part of reply) read += part.text
    expect([await text, read]).toEqual([whole, whole])
  })

  test('until then where the loop was left, or it was cancelled', async () => {
    const { engine } = await open(() => ({ tokens: endless() }))
    const left = engine.chat(ask)
    let read = ''
    for await (const { text } of left) {
      read += text
      if (read.length > 20) break
    }
    expect((await left.text()).startsWith(read)).toBe(true)
    expect(await left.done).toMatchObject({ finishReason: 'cancelled', text: await left.text() })
    const cancelled = engine.chat(ask)
    const { value } = await cancelled[Symbol.asyncIterator]().next()
    cancelled.cancel()
    expect(await cancelled.text()).toContain(value?.text)
  })

  test('not of one that its signal ended, which rejects', async () => {
    const { engine } = await open(() => ({ tokens: endless() }))
    const controller = new AbortController()
    const reply = engine.chat(ask, { signal: controller.signal })
    await reply[Symbol.asyncIterator]().next()
    controller.abort()
    await expect(reply.text()).rejects.toMatchObject({ code: 'ERR_CANCELLED' })
  })

  test('of each choice by texts()', async () => {
    const { engine } = await open(() => ({ tokens: twenty }))
    const reply = engine.chat(ask, { n: 2 })
    for await (const _ of reply) if ((await reply.texts()).length !== 2) break
    expect(await reply.texts()).toEqual([whole, whole])
  })
})

describe('done', () => {
  test('comes within the loop that reads it', async () => {
    const { engine } = await open(() => ({ tokens: twenty }))
    const reply = engine.chat(ask)
    for await (const _ of reply) expect((await reply.done).text).toBe(whole)
  })

  test('leaves the pace to a reader that was to begin, or that waits for more', async () => {
    const { addon, engine } = await open(() => ({ tokens: endless() }))
    const stream = engine.chat(ask)
    const reader = stream.toTextStream().getReader()
    void stream.done
    await settle(50)
    expect(addon.engine.produced.get(1)).toBe(8)
    await reader.read()
    await reader.cancel()
  })
})

describe('toTextStream()', () => {
  test('is the text as UTF-8, as a body of fetch and of a server', async () => {
    const texts = ['Größe ', '🦊', ' and ', '鳥']
    const { engine } = await open(() => ({ tokens: texts }))
    const response = new Response(engine.chat(ask).toTextStream())
    expect(await response.text()).toBe(texts.join(''))
    const server = createServer((_, res) => {
      Readable.fromWeb(engine.chat(ask).toTextStream()).pipe(res)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe(texts.join(''))
    server.close()
  })

  test('holds bytes alone, also for a reader with a buffer of its own', async () => {
    const { engine } = await open(() => ({ tokens: ['ab', 'c'] }))
    for await (const chunk of engine.chat(ask).toTextStream()) {
      expect(chunk).toBeInstanceOf(Uint8Array)
    }
    const reader = engine.chat(ask).toTextStream().getReader({ mode: 'byob' })
    let text = ''
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(2))
      if (done) break
      text += Buffer.from(value).toString()
    }
    expect(text).toBe('abc')
  })

  test('leaves reasoning, calls and other choices out', async () => {
    const tokens = [{ reasoning: 'I think' }, 'so']
    const { engine } = await open(() => ({ tokens }))
    expect(await new Response(engine.chat(ask, { n: 2 }).toTextStream()).text()).toBe('so')
  })

  test('goes no further than its window while nobody pulls, and cancels the reply', async () => {
    const { addon, engine } = await open(() => ({ tokens: endless() }))
    const reply = engine.chat(ask)
    const stream = reply.toTextStream()
    await settle(50)
    expect(addon.engine.produced.get(1)).toBe(8)
    await stream.cancel()
    expect((await reply.done).finishReason).toBe('cancelled')
  })

  test('cancels the reply where the client of a server leaves', async () => {
    const { engine } = await open(() => ({ tokens: endless() }))
    const replies: Promise<unknown>[] = []
    const server = createServer((_, res) => {
      const reply = engine.chat(ask)
      replies.push(reply.done)
      const body = Readable.fromWeb(reply.toTextStream())
      res.on('close', () => body.destroy())
      body.on('error', () => undefined).pipe(res)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const controller = new AbortController()
    const response = await fetch(`http://127.0.0.1:${port}`, { signal: controller.signal })
    await response.body?.getReader().read()
    controller.abort()
    await eventually(() => replies.length === 1)
    expect(await replies[0]).toMatchObject({ finishReason: 'cancelled' })
    server.closeAllConnections()
    server.close()
  })

  test('errors with what ended the reply', async () => {
    const { engine } = await open(() => ({
      tokens: ['a'],
      end: { code: 'ERR_ENGINE_FAILED', message: 'torn' },
    }))
    await expect(new Response(engine.chat(ask).toTextStream()).text()).rejects.toMatchObject({
      code: 'ERR_ENGINE_FAILED',
    })
  })
})

describe('the limit of a reply that was cut', () => {
  test('is maxTokens where those are spent, else the context', async () => {
    const { engine } = await open(() => ({ tokens: twenty, end: 'length' }))
    const cut = await engine.chat(ask, { maxTokens: 5 }).done
    expect(cut).toMatchObject({ finishReason: 'length', limit: 'maxTokens' })
    expect(cut.choices[0]?.limit).toBe('maxTokens')
    expect((await engine.chat(ask).done).limit).toBe('context')
    expect((await engine.chat(ask, { maxTokens: 21 }).done).limit).toBe('context')
    expect((await engine.complete('x', { maxTokens: 20 }).done).limit).toBe('maxTokens')
    const { choices } = await engine.chat(ask, { n: 3, maxTokens: 5 }).done
    expect(choices.map(({ limit }) => limit)).toEqual(Array(3).fill('maxTokens'))
  })

  test('is left out of other ends', async () => {
    const { engine } = await open(() => ({ tokens: twenty }))
    expect(await engine.chat(ask).done).not.toHaveProperty('limit')
  })

  test('is left out where another choice was cancelled', async () => {
    let isFirst = true
    const { engine } = await open(() => {
      const tokens = isFirst ? twenty : endless()
      isFirst = false
      return { tokens, end: 'length' }
    })
    const reply = engine.chat(ask, { n: 2 })
    for await (const { choice, text } of reply) if (choice === 1 && text.includes('30 ')) break
    const { choices, ...first } = await reply.done
    expect(choices.map(({ finishReason }) => finishReason)).toContain('cancelled')
    expect(first.finishReason).toBe('cancelled')
    expect(first).not.toHaveProperty('limit')
  })
})
