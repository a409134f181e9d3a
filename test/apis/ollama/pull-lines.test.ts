import { expect, test } from 'vitest'
import { PullLines } from '../../../src/apis/ollama/pull-lines.js'

async function statuses(lines: PullLines): Promise<string[]> {
  const read: string[] = []
  for (;;) {
    const { value, done } = await lines.next()
    read.push((JSON.parse(value) as { status: string }).status)
    if (done) return read
  }
}

test('a reader that comes late has the newest of each status, and one of all waits', async () => {
  const lines = new PullLines()
  lines.tell({ phase: 'found', name: 'hf:a/b:Q8_0', totalBytes: 20, missingBytes: 20 })
  lines.tell({ phase: 'note', message: 'one' })
  lines.tell({ phase: 'note', message: 'two' })
  const rates = { bytesPerSecond: 1, secondsLeft: null, totalBytes: 20 }
  for (let bytes = 1; bytes <= 100; bytes++) {
    const file = bytes <= 50 ? 'first.gguf' : 'second.gguf'
    lines.tell({ phase: 'downloading', file, bytes, ...rates })
    lines.tell({ phase: 'waiting', reason: 'retry', ms: bytes, message: `again in ${bytes} ms` })
  }
  lines.end()
  expect(await statuses(lines)).toEqual([
    'pulling manifest',
    'pulling hf:a/b:Q8_0',
    'one',
    'two',
    'pulling first.gguf',
    'pulling second.gguf',
    'again in 100 ms',
    'success',
  ])
})

test('a pull that fails is told to its reader and to who waits for its end', async () => {
  const lines = new PullLines()
  const read = statuses(lines)
  lines.fail(new Error('the disk is full'))
  await expect(read).rejects.toThrow('the disk is full')
  await expect(lines.done).rejects.toThrow('the disk is full')
})
