import { afterEach, expect, test, vi } from 'vitest'
import type { EngineCommand, EngineEvent } from '../../src/binding/engine-port.js'
import { nativeOptions } from '../../src/engine/native-options.js'
import { ChildPort } from '../../src/isolation/child-port.js'
import type { ProcessListener } from '../../src/isolation/engine-process.js'
import type { ToEngineBatch } from '../../src/isolation/messages.js'
import { parseLoadOptions } from '../../src/options/engine-options.js'
import { settle } from '../support/eventually.js'
import { FakeAddon, FakeEngine } from '../support/fake-binding.js'
import { idleSnapshot } from '../support/fake-engine.js'

// A port whose process is the test's own: what it says and how it ends, message by message.

afterEach(() => void vi.useRealTimers())

interface Made {
  readonly port: ChildPort
  readonly sent: ToEngineBatch[]
  /** How often its process was killed. */
  kills: number
  says(...events: EngineEvent[]): void
  dies(): void
}

/** @param refuses messages that cannot be written */
function made({ cacheDir = '', refuses = (_: ToEngineBatch): boolean => false } = {}): Made {
  let listener!: ProcessListener
  const sent: ToEngineBatch[] = []
  const send = (batch: ToEngineBatch) => {
    if (refuses(batch)) throw new RangeError('no memory')
    sent.push(batch)
  }
  const kill = () => {
    one.kills++
  }
  const options = nativeOptions(parseLoadOptions({}, 'a.gguf'), new FakeAddon())
  const given = {
    file: '',
    folders: [],
    options: { ...options, cacheDir },
    again: () => options,
    stallMs: 40,
    onCrash: () => undefined,
    starts: (_: unknown, its: ProcessListener) => {
      listener = its
      return { send, kill, ref: () => undefined, unref: () => undefined }
    },
  }
  const snapshot = { ...idleSnapshot, busy: true }
  const one: Made = {
    port: new ChildPort(given, () => undefined),
    sent,
    kills: 0,
    says: (...events) => listener.onMessage({ events, snapshot, received: 1 + sent.length }),
    dies: () => listener.onExit({ code: null, signal: 'SIGSEGV' }),
  }
  return one
}

/** As the fake says it. */
async function ready(): Promise<EngineEvent> {
  const options = nativeOptions(parseLoadOptions({}, 'a.gguf'), new FakeAddon())
  return new Promise((resolve) => {
    const engine = new FakeEngine(options, () => resolve(engine.drain()[0] as EngineEvent))
  })
}

const tokenize = (id: number): EngineCommand => {
  return { kind: 'tokenize', id, text: 'a', addSpecial: false, parseSpecial: false }
}

test('why a load failed stays, where its process dies before it has ended', () => {
  const one = made()
  one.says({ kind: 'load-failed', code: 'ERR_MODEL_INVALID', message: 'no GGUF' })
  one.dies()
  expect(one.port.drain()).toEqual([
    { kind: 'load-failed', code: 'ERR_MODEL_INVALID', message: 'no GGUF' },
    { kind: 'closed' },
  ])
})

test('a command that cannot be written fails alone, and those beside it are sent', async () => {
  const isRefused = (batch: ToEngineBatch) => batch.some((one) => 'id' in one && one.id === 2)
  const one = made({ refuses: isRefused })
  one.says(await ready())
  one.port.drain()
  for (const id of [1, 2, 3]) one.port.post(tokenize(id))
  await settle()
  expect(one.sent).toEqual([[tokenize(1)], [tokenize(3)]])
  const message = "this could not be sent to the engine's process: no memory"
  const failed = { kind: 'error', id: 2, code: 'ERR_ENGINE_FAILED', message, phase: 'queued' }
  expect(one.port.drain()).toEqual([failed])
  expect(one.kills).toBe(0)
})

test('a process that cannot be told of what was read is ended', async () => {
  const one = made({ refuses: ([first]) => first?.kind === 'credit' })
  one.says(await ready())
  one.port.credit(1, 5)
  await settle()
  expect(one.kills).toBe(1)
})

test.each([
  ['is left the time to write its states', '/cache', 0],
  ['is killed where it keeps none', '', 1],
])('an engine that is closed and stands still %s', async (_, cacheDir, kills) => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const one = made({ cacheDir })
  one.says(await ready())
  one.port.post({ kind: 'close' })
  await settle()
  one.says()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(Math.min(1, one.kills)).toBe(kills)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(one.kills).toBeGreaterThan(0)
  one.port.end()
})
