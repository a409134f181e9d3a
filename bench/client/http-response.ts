const crlf = '\r\n'

/**
 * One HTTP/1.1 response, read as it arrives. Bytes are kept as latin1 strings, which V8 scans
 * fastest. Pure: feed() takes what a socket read and returns the body's part of it.
 */
export class HttpResponse {
  status = 0
  #buffered = ''
  #isChunked = false
  /** Body bytes still to come of the current chunk. */
  #left = 0
  #state: 'headers' | 'size' | 'data' | 'plain' | 'over' = 'headers'

  /** True once a chunked body has ended. */
  get isOver(): boolean {
    return this.#state === 'over'
  }

  feed(bytes: string): string {
    this.#buffered += bytes
    if (this.#state === 'headers' && !this.#readHeaders()) return ''
    return this.#isChunked ? this.#readChunks() : this.#take(this.#buffered.length)
  }

  #readHeaders(): boolean {
    const end = this.#buffered.indexOf(crlf + crlf)
    if (end < 0) return false
    const headers = this.#take(end + 4).toLowerCase()
    this.status = Number(headers.slice(9, 12))
    this.#isChunked = headers.includes('transfer-encoding: chunked')
    this.#state = this.#isChunked ? 'size' : 'plain'
    return true
  }

  #readChunks(): string {
    let body = ''
    while (this.#state !== 'over') {
      if (this.#state === 'size') {
        const end = this.#buffered.indexOf(crlf)
        if (end < 0) return body
        this.#left = Number.parseInt(this.#take(end + 2), 16)
        this.#state = this.#left === 0 ? 'over' : 'data'
      } else {
        const part = this.#take(Math.min(this.#left, this.#buffered.length))
        this.#left -= part.length
        body += part
        if (this.#left > 0 || this.#buffered.length < 2) return body
        this.#take(2)
        this.#state = 'size'
      }
    }
    return body
  }

  #take(length: number): string {
    const taken = this.#buffered.slice(0, length)
    this.#buffered = this.#buffered.slice(length)
    return taken
  }
}
