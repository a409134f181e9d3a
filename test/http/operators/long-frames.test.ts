import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { pump } from '../../../src/http/node/send.js'
import type { StreamedAnswer } from '../../../src/web/answer.js'

test('a long frame goes out as bytes, for which Node keeps no more than they are', async () => {
  const long = `${'é'.repeat(2000)}\n\n`
  expect(await sent(['data: short\n\n', long])).toEqual(['data: short\n\n', Buffer.from(long)])
})

/** What is written of a stream of these frames. */
async function sent(frames: readonly string[]): Promise<unknown[]> {
  const written: unknown[] = []
  const write = (chunk: string | Uint8Array) => {
    written.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk))
    return true
  }
  const idle = { writeHead: () => undefined, flushHeaders: () => undefined, end: () => undefined }
  const res = Object.assign(new EventEmitter(), { ...idle, write, writableNeedDrain: false })
  const left = [...frames]
  const next = async () => {
    const value = left.shift()
    return value === undefined ? { done: true, value: '' } : { done: false, value }
  }
  const answer: StreamedAnswer = {
    status: 200,
    headers: {},
    opening: () => '',
    frames: { next, return: () => undefined } as StreamedAnswer['frames'],
    ping: () => '',
    errorFrame: () => '',
  }
  const call = { signal: new AbortController().signal, pause: (until: Promise<void>) => until }
  await pump(res as unknown as ServerResponse, answer, call, 60_000)
  return written
}
