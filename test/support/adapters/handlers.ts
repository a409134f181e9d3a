import type { LoadOptions } from '../../../src/api/types.js'
import { useBinding } from '../../../src/binding/binding.js'
import { load } from '../../../src/engine/load.js'
import {
  type AccessEntry,
  type FetchHandlerOptions,
  fetchHandler,
} from '../../../src/http/index.js'
import { FakeAddon, type FakeOptions } from '../fake-binding.js'
import { alsoClose, chatPath } from '../serve.js'

/** A handler over an engine over a fake: see closeAfterEach for its end. */
export async function fakeHandler(
  options: Partial<FetchHandlerOptions> = {},
  { engine: how, ...fake }: FakeOptions & { load?: never; engine?: Partial<LoadOptions> } = {},
) {
  const addon = new FakeAddon(fake)
  useBinding(addon)
  const engine = await load({ model: 'fake.gguf', ...how })
  alsoClose(() => engine.close())
  const log: AccessEntry[] = []
  const handler = fetchHandler({ engine, onLog: (entry) => log.push(entry), ...options })
  const native = Object.assign(addon.engine, { stats: () => engine.stats() })
  return { handler, engine, native, log }
}

/** A chat as a Request, below `prefix`. */
export function chatRequest(
  body: string | ReadableStream | object,
  init: RequestInit = {},
  prefix = '',
): Request {
  const isWhole = typeof body === 'string' || body instanceof ReadableStream
  return new Request(`http://localhost${prefix}${chatPath}`, {
    method: 'POST',
    body: isWhole ? body : JSON.stringify(body),
    duplex: 'half',
    ...init,
    headers: { 'content-type': 'application/json', ...init.headers },
  })
}

/** Reads a stream piece by piece. */
export function piecesOf({ body }: Response) {
  if (body === null) throw new Error('there is no body')
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  return {
    reader,
    /** All that was read. */
    get text(): string {
      return text
    },
    /** The next piece; '' at the end. */
    async next(): Promise<string> {
      const { value } = await reader.read()
      const piece = value === undefined ? '' : decoder.decode(value, { stream: true })
      text += piece
      return piece
    },
  }
}
