import type { LoadOptions } from '../../src/api/types.js'
import type { Engine } from '../../src/engine/engine.js'
import { load } from '../../src/engine/load.js'
import type { AccessEntry, ServerOptions } from '../../src/http/index.js'
import { createServer, type TestServer } from './adapters/adapter.js'
import { eventually } from './eventually.js'
import { RawClient } from './raw-client.js'
import { alsoClose, holdToShape } from './serve.js'

export interface ServedReal {
  readonly engine: Engine
  readonly server: TestServer
  readonly url: string
  readonly log: AccessEntry[]
  client(options?: { reads?: boolean }): Promise<RawClient>
  /** Waits until nothing is in flight any more. */
  quiet(): Promise<void>
}

/** A server on a free port over a real engine; see closeAfterEach for its end. */
export async function serveReal(
  engineOptions: LoadOptions,
  options: Partial<ServerOptions> = {},
): Promise<ServedReal> {
  const engine = await load(engineOptions)
  const log: AccessEntry[] = []
  const server = createServer({ engine, port: 0, onLog: (entry) => log.push(entry), ...options })
  holdToShape(server)
  const { port, url } = await server.listen()
  alsoClose(async () => {
    await server.close()
    await engine.close()
  })
  const client = async (how?: { reads?: boolean }) => {
    const one = await RawClient.connect(port, how)
    alsoClose(async () => void one.socket.destroy())
    return one
  }
  const quiet = () =>
    eventually(() => {
      const { queued, running, parked } = engine.stats()
      return queued + running + parked === 0
    }, 'the engine did not come to rest')
  return { engine, server, url, log, client, quiet }
}

/**
 * The engine's steps as each connection was left, by FIN or RST: once all who listen for that have
 * heard of it. Not before, since who reads them may be put aside for a few steps: the engine, which
 * waits to write them, goes on first.
 */
export function stepsAtLeave({ engine, server }: ServedReal): number[] {
  const steps: number[] = []
  server.server.on('connection', (socket) => {
    let isLeft = false
    const onLeave = () => {
      if (!isLeft) queueMicrotask(() => steps.push(engine.stats().steps))
      isLeft = true
    }
    socket.once('end', onLeave).once('close', onLeave)
  })
  return steps
}
