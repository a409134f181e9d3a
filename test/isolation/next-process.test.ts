import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import type { NativeModelInfo } from '../../src/binding/engine-port.js'
import { sampleOf } from '../../src/isolation/same-model.js'
import { eventually } from '../support/eventually.js'
import type { FakeProcesses } from '../support/isolated/fake-process.js'
import { dies, type Opened, opened, restarted, told } from '../support/isolated/opened.js'

// What the next process of an engine is, beside the last one.

afterEach(() => useBinding(undefined))

test('free memory is asked for before each start, when no process has any of it', async () => {
  let processes: FakeProcesses | undefined
  const taken = () => (processes?.all ?? []).filter(({ isDead }) => !isDead).length
  const again = () => ({ freeBytes: 100 - 60 * taken() })
  const onProcesses = (made: FakeProcesses) => {
    processes = made
  }
  const one = await opened({ over: { again, onProcesses } })
  expect(again()).toEqual({ freeBytes: 40 })
  await dies(one)
  await restarted(one)
  expect(one.processes.all).toHaveLength(2)
  expect(one.processes.last.start.options.freeBytes).toBe(100)
  await one.engine.close()
})

test('slots are free while there is none', async () => {
  const one = await opened()
  expect(one.engine.stats().slots).toEqual([null, null])
  one.processes.startsHung = true
  await dies(one)
  expect(one.engine.stats()).toMatchObject({ isRestarting: true, slots: [null, null] })
  await one.engine.close()
})

test('a file that cannot be read again, and says nothing of it, holds nobody up', async () => {
  const identify = () => new Promise<undefined>(() => undefined)
  const one = await opened({ over: { identify, stallMs: 100 } })
  await dies(one)
  await restarted(one)
  expect(one.processes.all).toHaveLength(2)
  await one.engine.close()
})

describe('where another model has come into the place of the one that was loaded', () => {
  const words = 'a file that it was loaded from has been replaced since then'

  async function ends(one: Opened): Promise<void> {
    const reply = told(one.engine.complete('Once').text())
    await dies(one)
    expect(await one.engine.ended).toMatchObject({ code: 'ERR_ENGINE_ENDED' })
    expect(one.engine.failure?.message).toContain(words)
    expect(await reply).toBe('ERR_ENGINE_ENDED')
    expect(one.processes.all).toHaveLength(2)
    expect(one.processes.last.isDead).toBe(true)
    expect(one.addon.engine.submitted).toEqual([])
  }

  test('the engine ends, and none of its replies is the other one’s', async () => {
    const files = ['first', 'other']
    await ends(await opened({ over: { identify: async () => files.shift() } }))
  })

  test('the engine ends by what the model says, where its file cannot be read', async () => {
    const model: Partial<NativeModelInfo> = {}
    const one = await opened({ fake: { model }, over: { identify: async () => undefined } })
    model.vocabulary = 7
    await ends(one)
  })

  test('close() meanwhile ends it as closed', async () => {
    let compared = () => undefined as unknown
    const files = [
      Promise.resolve('first'),
      new Promise<string>((resolve) => {
        compared = () => resolve('other')
      }),
    ]
    let asked = 0
    const one = await opened({ over: { identify: async () => files[asked++] } })
    await dies(one)
    await eventually(() => asked === 2)
    const closing = one.engine.close()
    compared()
    await closing
    expect(await one.engine.ended).toBeUndefined()
  })
})

test('the engine goes on where the same model is placed in another way', async () => {
  const model: Partial<NativeModelInfo> = {}
  const one = await opened({ fake: { model }, over: { identify: async () => 'same' } })
  model.threads = 9
  await dies(one)
  await restarted(one)
  expect(one.engine.failure).toBeUndefined()
  await one.engine.close()
})

describe('files are told from others', () => {
  let folder = ''
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-files-'))
  })
  afterEach(() => fs.rmSync(folder, { recursive: true }))
  const large = (byte: number) => Buffer.alloc(2 ** 20, byte)
  const written = (name: string, bytes: Buffer) => {
    fs.writeFileSync(path.join(folder, name), bytes)
    return path.join(folder, name)
  }

  test('by their size and by their bytes', async () => {
    const file = written('a.gguf', large(1))
    const first = await sampleOf([file])
    expect(first).toBeTypeOf('string')
    written('a.gguf', large(2))
    expect(await sampleOf([file])).not.toBe(first)
    written('a.gguf', Buffer.concat([large(1), large(1)]))
    expect(await sampleOf([file])).not.toBe(first)
  })

  test('not by their times, nor by where they are', async () => {
    const file = written('a.gguf', large(1))
    const first = await sampleOf([file])
    fs.truncateSync(file, 5)
    written('a.gguf', large(1))
    fs.utimesSync(file, 1, 1)
    expect(await sampleOf([file])).toBe(first)
    expect(await sampleOf([written('b.gguf', large(1))])).toBe(first)
  })

  test('by the later parts of a split model too', async () => {
    const file = written('a-00001-of-00002.gguf', large(1))
    written('a-00002-of-00002.gguf', large(1))
    const first = await sampleOf([file])
    written('a-00002-of-00002.gguf', large(2))
    expect(first).toBeTypeOf('string')
    expect(await sampleOf([file])).not.toBe(first)
  })

  test('unless they are gone', async () => {
    expect(await sampleOf([path.join(folder, 'none.gguf')])).toBeUndefined()
    expect(await sampleOf([written('empty.gguf', Buffer.alloc(0))])).toBeTypeOf('string')
  })
})
