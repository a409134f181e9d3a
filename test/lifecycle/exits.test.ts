import { describe, expect, test } from 'vitest'
import { encoderModel } from '../support/models/encoder-model.js'
import { type Exit, runChild, runChildren } from './child.js'

/** A promise about the process gets a process: see the order of exits in ARCHITECTURE.md. */
const summaryOf = ({ code, signal, stdout, stderr }: Exit) => ({ code, signal, stdout, stderr })
const clean = { code: 0, signal: null, stdout: '', stderr: '' }

describe('a process with an engine', () => {
  test('ends by itself once the engine is closed', async () => {
    for (const exit of await runChildren('closes')) expect(summaryOf(exit)).toEqual(clean)
  })

  test('ends by itself with an engine that is idle and was never closed', async () => {
    for (const exit of await runChildren('stays-idle')) expect(summaryOf(exit)).toEqual(clean)
  })

  test('ends by itself with a reply without a reader', async () => {
    for (const exit of await runChildren('leaves-unread')) expect(summaryOf(exit)).toEqual(clean)
  })

  test('stays alive while a reply is read, though nothing else holds it', async () => {
    const exit = await runChild('reads')
    expect(summaryOf(exit)).toEqual(clean)
    expect(exit.messages).toEqual([{ tokens: 500 }])
  })

  test('writes nothing of a request to stderr, whatever llama.cpp makes of its tools', async () => {
    const exit = await runChild('calls-tools')
    expect(summaryOf(exit)).toEqual(clean)
    expect(exit.messages).toHaveLength(1)
  })

  test('ends at process.exit in mid-decode', async () => {
    for (const exit of await runChildren('exits/in-decode')) {
      expect(summaryOf(exit)).toEqual({ ...clean, code: 7 })
    }
  })

  test('ends at process.exit in mid-prefill', async () => {
    for (const exit of await runChildren('exits/in-prefill')) {
      expect(summaryOf(exit)).toEqual({ ...clean, code: 7 })
    }
  })

  test('ends at process.exit in the middle of embedding', async () => {
    const model = encoderModel({ layers: 4, embedding: 192, seed: 2 })
    for (const exit of await runChildren('exits/in-embedding', 3, model)) {
      expect(summaryOf(exit)).toEqual({ ...clean, code: 7 })
    }
  })

  test('ends by itself when what it embeds is done', async () => {
    const exit = await runChild('embeds', undefined, encoderModel())
    expect(summaryOf(exit)).toEqual(clean)
    expect(exit.messages).toEqual([{ sizes: [64, 64] }])
  })

  test('ends by itself when what it estimates is done', async () => {
    const exit = await runChild('estimates')
    expect(summaryOf(exit)).toEqual(clean)
    expect(exit.messages).toEqual([{ fits: true }])
  })

  test('ends at process.exit in the middle of an estimate', async () => {
    for (const exit of await runChildren('exits/in-estimate')) {
      expect(summaryOf(exit)).toEqual({ ...clean, code: 7 })
    }
  })

  test('ends at process.exit while the model loads', async () => {
    for (const exit of await runChildren('exits/in-load')) {
      expect(summaryOf(exit)).toEqual({ ...clean, code: 7 })
    }
  })

  test('ends at an uncaught exception in mid-decode, and shows it', async () => {
    for (const exit of await runChildren('throws-in-decode')) {
      expect(exit).toMatchObject({ code: 1, signal: null })
      expect(exit.stderr).toContain('thrown on purpose')
    }
  })

  test('shows an exception that is thrown while a part is read', async () => {
    const exit = await runChild('throws-in-reader')
    expect(exit.code).toBe(1)
    expect(exit.stderr).toContain('thrown on purpose')
  })

  test('ends at SIGTERM in mid-decode', async () => {
    for (let i = 0; i < 5; i++) {
      const exit = await runChild('decodes', (_, kill) => kill('SIGTERM'))
      expect(exit).toMatchObject({ code: null, signal: 'SIGTERM', stderr: '' })
    }
  })

  test('ends when it closes in mid-decode and in mid-prefill, twice at once', async () => {
    for (const exit of await runChildren('closes-in-decode')) {
      expect(summaryOf(exit)).toEqual(clean)
      expect(exit.messages).toEqual([{ errors: ['ERR_CLOSED', 'ERR_CLOSED'] }])
    }
  })
})

test('two engines in a process write what each writes alone, and end apart', async () => {
  const exit = await runChild('two-engines')
  expect(summaryOf(exit)).toEqual(clean)
  expect(exit.messages).toEqual([{ same: true, rest: true, differ: true }])
})

describe('a worker thread with an engine', () => {
  test('owns it, reads from it, closes it, and ends', async () => {
    for (const exit of await runChildren('workers/closes')) {
      expect(summaryOf(exit)).toEqual(clean)
      expect(exit.messages).toEqual([{ tokens: 50 }])
    }
  })

  test('can be terminated in mid-decode, again and again', async () => {
    for (const exit of await runChildren('workers/terminated', 3)) {
      expect(summaryOf(exit)).toEqual(clean)
    }
  })

  test('can end while the main thread’s engine goes on', async () => {
    const exit = await runChild('workers/beside-main')
    expect(summaryOf(exit)).toEqual(clean)
    expect(exit.messages).toEqual([{ tokens: 300 }])
  })

  test('gives back what its engine was promised of the memory when it is terminated', async () => {
    const exit = await runChild('workers/gives-memory-back')
    expect(summaryOf(exit)).toEqual(clean)
    const [[before = 0, meanwhile = 0, after = 0] = []] = exit.messages as number[][]
    expect(meanwhile).toBeLessThan(before)
    expect(after).toBe(before)
  })
})
