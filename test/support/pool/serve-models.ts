import type { ModelsOptions, PooledModelOptions } from '../../../src/api/models-types.js'
import { useBinding } from '../../../src/binding/binding.js'
import type { AccessEntry, ServerOptions } from '../../../src/http/index.js'
import { type Models, models } from '../../../src/pool/models.js'
import { createServer } from '../adapters/adapter.js'
import { FakeAddon, type FakeEngine, type FakeOptions } from '../fake-binding.js'
import { RawClient } from '../raw-client.js'
import { alsoClose, holdToShape } from '../serve.js'
import { inWords } from './fake-pool.js'

interface ServedModels {
  readonly addon: FakeAddon
  readonly pool: Models
  readonly url: string
  readonly log: AccessEntry[]
  /** A word for each load and unload: `loaded tales`. */
  readonly events: string[]
  /** The engine of a model that was made last; what only measured it does not count. */
  native(name: string): FakeEngine
  /** Whether its load has begun. */
  isOpening(name: string): boolean
  client(): Promise<RawClient>
}

export interface ServeModelsOptions extends FakeOptions {
  readonly models?: Partial<ModelsOptions>
  readonly server?: Partial<ServerOptions>
}

/** A server of several models over fakes: each takes 31 MiB and has a file of its name. */
export async function serveModels(
  named: Record<string, PooledModelOptions>,
  { models: own, server: ownOfServer, ...fake }: ServeModelsOptions = {},
): Promise<ServedModels> {
  const addon = new FakeAddon(fake)
  useBinding(addon)
  const events: string[] = []
  const pool = models({
    models: Object.fromEntries(
      Object.entries(named).map(([name, options]) => [
        name,
        { model: `${name}.gguf`, cacheMiB: 0, ...options },
      ]),
    ),
    onEvent: (event) => events.push(inWords(event)),
    ...own,
  })
  const log: AccessEntry[] = []
  const onLog = (entry: AccessEntry) => log.push(entry)
  const server = createServer({ engine: pool, port: 0, onLog, ...ownOfServer })
  holdToShape(server)
  const { port, url } = await server.listen()
  alsoClose(async () => {
    await server.close()
    await pool.close()
  })
  const openedLast = (name: string) =>
    addon.engines.findLast(({ options }) => {
      return options.model.endsWith(`${name}.gguf`) && !options.estimatesOnly
    })
  const isOpening = (name: string) => openedLast(name) !== undefined
  const native = (name: string) => {
    const engine = openedLast(name)
    if (engine === undefined) throw new Error(`${name} was not loaded`)
    return engine
  }
  const client = async () => {
    const one = await RawClient.connect(port)
    alsoClose(async () => void one.socket.destroy())
    return one
  }
  return { addon, pool, url, log, events, isOpening, native, client }
}
