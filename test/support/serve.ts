import { afterEach, expect } from 'vitest'
import type { LoadOptions } from '../../src/api/types.js'
import { useBinding } from '../../src/binding/binding.js'
import type { Engine } from '../../src/engine/engine.js'
import { load } from '../../src/engine/load.js'
import type { AccessEntry, ServerOptions } from '../../src/http/index.js'
import { createServer, type TestServer } from './adapters/adapter.js'
import { eventually, settle } from './eventually.js'
import { FakeAddon, type FakeEngine, type FakeOptions } from './fake-binding.js'
import { RawClient } from './raw-client.js'
import { tapWire } from './wire/tap.js'

export interface Served {
  readonly addon: FakeAddon
  /** The fake, and what its client knows of it. */
  readonly native: FakeEngine & Pick<Engine, 'stats'>
  readonly engine: Engine
  readonly server: TestServer
  readonly port: number
  readonly url: string
  /** One entry per ended request, in the order of their ends. */
  readonly log: AccessEntry[]
  client(options?: { reads?: boolean }): Promise<RawClient>
}

export interface ServeOptions extends FakeOptions {
  load?: never
  engine?: Partial<LoadOptions>
  server?: Partial<ServerOptions>
}

const open: (() => Promise<void>)[] = []

const taps: (() => string[])[] = []

/**
 * Closes every server, engine and client of the test that just ended, and fails it if they sent
 * anything that OpenAI's declarations don't have.
 */
export function closeAfterEach(): void {
  afterEach(async () => {
    for (const close of open.splice(0).reverse()) await close()
    useBinding(undefined)
    expect(taps.splice(0).flatMap((problems) => problems())).toEqual([])
  })
}

/** Has all that a server sends held against OpenAI's declarations, until the test ends. */
export function holdToShape(server: TestServer): void {
  taps.push(tapWire(server.server))
}

export function alsoClose(close: () => Promise<void>): void {
  open.push(close)
}

/** A server on a free port, over an engine over a fake: see FakeOptions for what it answers. */
export async function serve(options: ServeOptions = {}): Promise<Served> {
  const addon = new FakeAddon(options)
  useBinding(addon)
  const engine = await load({ model: 'fake.gguf', ...options.engine })
  const log: AccessEntry[] = []
  const onLog = (entry: AccessEntry) => log.push(entry)
  const server = createServer({ engine, port: 0, onLog, ...options.server })
  holdToShape(server)
  const { port, url } = await server.listen()
  const clients: RawClient[] = []
  open.push(async () => {
    for (const client of clients) client.socket.destroy()
    await server.close()
    await engine.close()
  })
  const client = async (how?: { reads?: boolean }) => {
    const one = await RawClient.connect(port, how)
    clients.push(one)
    return one
  }
  const native = Object.assign(addon.engine, { stats: () => engine.stats() })
  return { addon, native, engine, server, port, url, log, client }
}

/** One user message, streamed unless said otherwise. */
export function story(more: object = {}): Record<string, unknown> {
  const messages = [{ role: 'user', content: 'Tell me a story' }]
  return { model: 'default', messages, stream: true, ...more }
}

export const chatPath = '/v1/chat/completions'

export function chat(url: string, body: unknown, init: RequestInit = {}): Promise<Response> {
  return fetch(`${url}${chatPath}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
    headers: { 'content-type': 'application/json', ...init.headers },
  })
}

export function postJson(
  url: string,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url + path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  })
}

/** Steps a manual engine until `holds` does, letting what each step set off happen. */
export async function stepUntil(native: FakeEngine, holds: () => boolean): Promise<void> {
  await eventually(() => {
    if (holds()) return true
    native.step()
    return false
  }, 'the steps did not lead there')
}

/**
 * Steps a manual engine until its one reply stays parked. The kernel packs what waits for a reader,
 * and takes some more now and then, but not for ever.
 */
export async function standsStill(native: FakeEngine): Promise<void> {
  await eventually(async () => {
    const before = native.snapshot()
    for (let i = 0; i < 50; i++) {
      native.step()
      await settle(1)
    }
    const { parked, tokensGenerated } = native.snapshot()
    return parked === 1 && tokensGenerated === before.tokensGenerated
  }, 'its reader does not hold it')
}

/** Endless numbered tokens: `0 1 2 ...`. */
export function* counting(): Generator<string> {
  for (let i = 0; ; i++) yield `${i} `
}
