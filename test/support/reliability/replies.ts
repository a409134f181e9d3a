import { post, type RawClient } from '../raw-client.js'
import { chatPath, story } from '../serve.js'
import { type Chunk, chunksOf, textOf } from '../sse.js'

/** The request of a seed: its prompt is its own, so that no two texts are alike. */
export function askOf(seed: number, more: object = {}): string {
  const messages = [{ role: 'user', content: `Tell me story number ${seed}` }]
  const body = story({ messages, seed, max_tokens: 48, ignore_eos: true, ...more })
  return post(chatPath, body, { connection: 'close' })
}

/** The text of a stream that is whole and in order: anything else throws. */
export function wholeTextOf({ status, body }: RawClient): string {
  if (status !== 200 || !body.endsWith('data: [DONE]\n\n')) {
    throw new Error(`a stream has no end: ${status} ${body.slice(-300)}`)
  }
  const chunks = chunksOf(body)
  const reasons = chunks.map(reasonOf)
  const isInOrder = chunks[0]?.choices[0]?.delta.role === 'assistant'
  const ends = reasons.filter((reason) => reason !== null).length
  const error = chunks.find((chunk) => chunk.error !== undefined)
  if (!isInOrder || ends !== 1 || reasons.at(-1) === null || error !== undefined) {
    throw new Error(`a stream is out of order: ${body}`)
  }
  if (new Set(chunks.map(({ id }) => id)).size !== 1) throw new Error(`of two replies: ${body}`)
  return textOf(body)
}

function reasonOf({ choices }: Chunk): string | null {
  return choices[0]?.finish_reason ?? null
}
