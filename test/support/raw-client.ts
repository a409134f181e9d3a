import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { StringDecoder } from 'node:string_decoder'
import { eventually } from './eventually.js'

/** A client below HTTP: what it sends, when it reads and how it leaves is up to the test. */
export class RawClient {
  readonly socket: Socket
  /** What arrived, one entry per read of the socket. */
  readonly segments: Buffer[] = []
  isEnded = false
  isClosed = false

  readonly #decoder = new StringDecoder('utf8')
  #text = ''

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('end', () => {
      this.isEnded = true
    })
    socket.on('close', () => {
      this.isClosed = true
    })
    socket.on('error', () => undefined) // a reset by the server shows as isClosed
  }

  /** `reads: false` never reads a byte until read() is called. */
  static async connect(
    port: number,
    { reads = true, host = '127.0.0.1' } = {},
  ): Promise<RawClient> {
    const socket = connect({ port, host, noDelay: true })
    const client = new RawClient(socket)
    if (reads) client.read()
    await once(socket, 'connect')
    return client
  }

  /** All that arrived, as text. */
  get text(): string {
    return this.#text
  }

  /** The status of the first response. */
  get status(): number {
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(this.text)?.[1] ?? 0)
  }

  /** The body of the first response, its chunked coding taken off if it has one. */
  get body(): string {
    const bytes = Buffer.concat(this.segments)
    const start = bytes.indexOf('\r\n\r\n') + 4
    const isChunked = /^transfer-encoding: chunked/im.test(bytes.toString('latin1', 0, start))
    return (isChunked ? dechunk(bytes.subarray(start)) : bytes.subarray(start)).toString('utf8')
  }

  read(): void {
    this.socket.on('data', (segment: Buffer) => {
      this.segments.push(segment)
      this.#text += this.#decoder.write(segment)
    })
  }

  send(text: string | Buffer): void {
    this.socket.write(text)
  }

  /** Waits until what arrived holds `text`. */
  async seen(text: string): Promise<void> {
    const message = () => `'${text}' never came, but: ${this.text}`
    await eventually(() => this.text.includes(text), message)
  }

  /** Waits until the connection is closed, from either side. */
  async closed(): Promise<void> {
    await eventually(() => this.isClosed || this.isEnded, 'the connection stayed open')
  }

  /** Leaves politely: FIN. */
  fin(): void {
    this.socket.end()
  }

  /** Leaves at once: RST. */
  reset(): void {
    this.socket.resetAndDestroy()
  }
}

/** A POST of JSON as the bytes of an HTTP/1.1 request. */
export function post(path: string, value: unknown, headers: Record<string, string> = {}): string {
  const body = typeof value === 'string' ? value : JSON.stringify(value)
  return request('POST', path, body, { 'content-type': 'application/json', ...headers })
}

export function request(
  method: string,
  path: string,
  body = '',
  headers: Record<string, string> = {},
): string {
  const length: Record<string, string> =
    body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const all = Object.entries({ host: 'localhost', ...length, ...headers })
  const lines = all.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return `${method} ${path} HTTP/1.1\r\n${lines}\r\n${body}`
}

/** As much of a chunked body as is there. */
function dechunk(bytes: Buffer): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0) break
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    if (!(size > 0)) break
    pieces.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
  }
  return Buffer.concat(pieces)
}
