import { afterEach, describe, expect, test } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import type { EngineEvent } from '../../src/binding/engine-port.js'
import type { Engine } from '../../src/engine/engine.js'
import { load } from '../../src/engine/load.js'
import { FakeAddon } from '../support/fake-binding.js'
import { overProcess } from '../support/isolated/over-process.js'

// Arrays of a caller's are read when it calls, and what it gets is its own: also where the engine
// reads them later, and in another process.

afterEach(() => useBinding(undefined))

/** Whose events have arrays that are views of a message, as those of another process. */
async function opened(isolation: string): Promise<Engine> {
  const addon = new FakeAddon()
  const Own = class extends addon.Engine {
    override drain(): EngineEvent[] {
      return super.drain().map(inMessage)
    }
  }
  const Engine = isolation === 'none' ? Own : overProcess(Own)
  useBinding(Object.assign(Object.create(addon), { Engine }))
  return load({ model: 'a.gguf' })
}

function inMessage(event: EngineEvent): EngineEvent {
  if (event.kind === 'tokens') {
    const message = new Int32Array(event.tokens.length + 9)
    message.set(event.tokens, 4)
    return { ...event, tokens: message.subarray(4, 4 + event.tokens.length) }
  }
  if (event.kind !== 'pieces') return event
  const message = Buffer.concat(event.pieces)
  const view = { buffer: new Uint8Array(message).buffer, at: 0 }
  const pieces = event.pieces.map(({ length }) => {
    view.at += length
    return new Uint8Array(view.buffer, view.at - length, length)
  })
  return { ...event, pieces }
}

const tokens = () => Int32Array.of(97, 98)
const transferred = (ids: Int32Array) => {
  structuredClone(ids.buffer, { transfer: [ids.buffer as ArrayBuffer] })
  return ids
}
const asText = (pieces: Uint8Array[]) => Buffer.concat(pieces).toString()

describe.each(['none', 'process'])('with isolation %s', (isolation) => {
  test('ids that change or go after a call were read', async () => {
    const engine = await opened(isolation)
    const ids = tokens()
    const asked = [0, 1, 2].map(() => Promise.all([engine.detokenize(ids), engine.pieces(ids)]))
    ids.fill(120)
    for (const [text, pieces] of await Promise.all(asked)) {
      expect([text, asText(pieces)]).toEqual(['ab', 'ab'])
    }
    const given = tokens()
    const later = [engine.detokenize(given), engine.pieces(given)] as const
    transferred(given)
    expect([await later[0], asText(await later[1])]).toEqual(['ab', 'ab'])
    await engine.close()
  })

  test('ids that went before are refused', async () => {
    const engine = await opened(isolation)
    const refused = { code: 'ERR_INVALID_OPTION', option: 'tokens' }
    await expect(engine.detokenize(transferred(tokens()))).rejects.toMatchObject(refused)
    await expect(engine.pieces(transferred(tokens()))).rejects.toMatchObject(refused)
    await engine.close()
  })

  test('what comes back is in a buffer of its own', async () => {
    const engine = await opened(isolation)
    const ids = await engine.tokenize('abc')
    expect([...ids]).toEqual([97, 98, 99])
    expect(ids.buffer.byteLength).toBe(ids.byteLength)
    const pieces = await engine.pieces(ids)
    expect(asText(pieces)).toBe('abc')
    expect(pieces.map(({ buffer }) => buffer.byteLength)).toEqual([1, 1, 1])
    await engine.close()
  })
})
