/**
 * The data of Server-Sent Events, as they come. Ends with the stream, whether that was whole or
 * not; rejects where the connection breaks.
 */
export async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      rest += decoder.decode(value, { stream: true })
      const frames = rest.split(/\r?\n\r?\n/)
      rest = frames.pop() ?? ''
      for (const frame of frames) {
        const data = dataOf(frame)
        if (data !== '') yield data
      }
    }
  } finally {
    // Whoever stops reading has the server stop too.
    void reader.cancel().catch(() => undefined) // it broke off, which is told above
  }
}

/** A comment, such as a ping, has none. */
function dataOf(frame: string): string {
  return frame
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5).replace(/^ /, ''))
    .join('\n')
}
