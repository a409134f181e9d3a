import { chat } from '../client/chat.js'
import { ask } from '../client/prompts.js'
import { llamaCommand, type ServerSettings, sluiceCommand } from './commands.js'
import { type ServerCommand, ServerProcess } from './server-process.js'

/** What was measured, round by round, on each side. */
export interface Samples<T> {
  sluice: T[]
  rival: T[]
}

/** A B A B. */
export async function alternately<T>(
  rounds: number,
  sluice: () => Promise<T>,
  rival: () => Promise<T>,
): Promise<Samples<T>> {
  const samples: Samples<T> = { sluice: [], rival: [] }
  for (let round = 0; round < rounds; round++) {
    samples.sluice.push(await sluice())
    samples.rival.push(await rival())
  }
  return samples
}

/** Both servers on the same settings; the one not measured is stopped, and takes no cycles. */
export class Pair {
  readonly #sluice: ServerProcess
  readonly #rival: ServerProcess

  private constructor(sluice: ServerProcess, rival: ServerProcess) {
    this.#sluice = sluice
    this.#rival = rival
  }

  static async start(settings: ServerSettings): Promise<Pair> {
    const sluice = await started(sluiceCommand(settings))
    const rival = await started(await llamaCommand(settings))
    return new Pair(sluice, rival)
  }

  measure<T>(rounds: number, once: (server: ServerProcess) => Promise<T>): Promise<Samples<T>> {
    return alternately(
      rounds,
      () => running(this.#sluice, once),
      () => running(this.#rival, once),
    )
  }

  async stop(): Promise<void> {
    await Promise.all([this.#sluice.stop(), this.#rival.stop()])
  }
}

/** Starts both, and stops them whatever happens. */
export async function withPair<T>(
  settings: ServerSettings,
  use: (pair: Pair) => Promise<T>,
): Promise<T> {
  const pair = await Pair.start(settings)
  try {
    return await use(pair)
  } finally {
    await pair.stop()
  }
}

/** Warm, and paused. */
export async function started(command: ServerCommand): Promise<ServerProcess> {
  const server = await (await ServerProcess.spawn(command)).ready()
  await chat(server.port, { messages: ask(32), maxTokens: 32 }).done
  server.pause()
  return server
}

export async function running<T>(
  server: ServerProcess,
  once: (server: ServerProcess) => Promise<T>,
) {
  server.resume()
  try {
    return await once(server)
  } finally {
    server.pause()
  }
}
