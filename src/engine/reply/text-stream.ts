import type { ReplyPart } from '../../api/types.js'

/**
 * The text of a reply's first choice as a stream of bytes (UTF-8). It takes a part where its reader
 * asks for more; the reader's cancel ends the iteration.
 */
export function textBytes(parts: AsyncIterator<ReplyPart, undefined>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder() // parts are whole characters
  return new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      const text = await nextText(parts)
      if (text !== undefined) {
        controller.enqueue(encoder.encode(text))
        return
      }
      controller.close()
      controller.byobRequest?.respond(0) // a reader with a buffer of its own waits for it
    },
    async cancel() {
      await parts.return?.()
    },
  })
}

/** Undefined at the end. */
async function nextText(parts: AsyncIterator<ReplyPart, undefined>): Promise<string | undefined> {
  for (;;) {
    const { done, value } = await parts.next()
    if (done) return undefined
    if (value.choice === 0 && value.text !== '') return value.text
  }
}
