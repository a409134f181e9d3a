import dns from 'node:dns/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { WorkerUnavailableError } from '../api/errors.js'
import { parseWorkerName, type WorkerName } from '../options/worker-names.js'
import { askWorker, type WorkerAddress, type WorkerMemory, WorkerTrouble } from './ask-worker.js'

/** A worker that answers. */
interface FoundWorker {
  /** As it was given. */
  readonly name: string
  /** "10.0.0.2:50052": ggml's own resolver knows IPv4 alone, and is not made for threads. */
  readonly endpoint: string
  readonly devices: readonly WorkerMemory[]
}

/** How long a worker may take to answer. */
const answerMs = 5000
/** Between two looks for one that is to come back. */
const betweenMs = 1000

interface Asked {
  /** Of the protocol. */
  readonly version: string
  readonly signal: AbortSignal
}

/**
 * All workers of `rpc`, asked at the same time.
 * @throws WorkerUnavailableError; the reason of `signal` where that is aborted
 */
export async function findWorkers(names: readonly string[], asked: Asked): Promise<FoundWorker[]> {
  const enough = new AbortController() // one that fails is answer enough
  const signal = AbortSignal.any([asked.signal, enough.signal])
  try {
    return await Promise.all(names.map((name) => findWorker(name, { ...asked, signal })))
  } finally {
    enough.abort()
  }
}

/**
 * The same, looked for until all of them answer, or `waitMs` are over. The wait between two looks
 * keeps no program alive: whoever needs the workers does.
 * @throws WorkerUnavailableError of the last look
 */
export async function waitForWorkers(
  names: readonly string[],
  { waitMs, ...asked }: Asked & { readonly waitMs: number },
): Promise<FoundWorker[]> {
  const begin = performance.now()
  for (;;) {
    try {
      return await findWorkers(names, asked)
    } catch (error) {
      const isTrouble = error instanceof WorkerUnavailableError
      const isOver = performance.now() - begin + betweenMs > waitMs
      if (!isTrouble) throw error
      if (isOver) throw new WorkerUnavailableError(`${error.message}; waited for ${waitMs} ms`)
    }
    await sleep(betweenMs, undefined, { signal: asked.signal, ref: false })
  }
}

export async function findWorker(name: string, { version, signal }: Asked): Promise<FoundWorker> {
  try {
    const address = await addressOf(parseWorkerName(name) as WorkerName)
    signal.throwIfAborted()
    const devices = await askWorker(address, version, { answerMs, signal })
    return { name, endpoint: `${address.ip}:${address.port}`, devices }
  } catch (error) {
    if (!(error instanceof WorkerTrouble)) throw error
    throw new WorkerUnavailableError(`the worker ${name} ${error.message}`, { cause: error })
  }
}

async function addressOf({ host, port }: WorkerName): Promise<WorkerAddress> {
  try {
    const { address: ip } = await dns.lookup(host, { family: 4 })
    return { ip, port }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown'
    throw new WorkerTrouble(`has a name without an IPv4 address (${code}); give its address`, {
      cause,
    })
  }
}
