import net from 'node:net'

/**
 * The part of ggml's RPC protocol that asks a worker what it is. ggml's own client ends the process
 * where a worker cannot be reached, so it is asked this before.
 */

/** Numbers of ggml-rpc.cpp. That of `hello` stays; the others are those of one major version. */
export const commands = { getDeviceMemory: 11, hello: 14, deviceCount: 15 } as const
/** Of what both sides say that they can do beside TCP; we can nothing. */
export const capabilityBytes = 24

/** Where it is, by numbers. */
export interface WorkerAddress {
  readonly ip: string
  readonly port: number
}

export interface WorkerMemory {
  readonly freeBytes: number
  readonly totalBytes: number
}

/** Why a worker cannot be used, as the rest of a sentence about it. */
export class WorkerTrouble extends Error {
  /** It takes connections, and serves somebody else. */
  readonly isBusy: boolean

  constructor(words: string, { cause, isBusy = false }: { cause?: unknown; isBusy?: boolean }) {
    super(words, { cause })
    this.isBusy = isBusy
  }
}

/**
 * Asks for the memory of each of its devices.
 * @param version of the protocol that our client speaks
 * @throws WorkerTrouble; the reason of `signal` where that is aborted
 */
export async function askWorker(
  address: WorkerAddress,
  version: string,
  { answerMs, signal }: { answerMs: number; signal: AbortSignal },
): Promise<WorkerMemory[]> {
  const deadline = AbortSignal.timeout(answerMs)
  const either = AbortSignal.any([deadline, signal])
  const socket = net.connect({ host: address.ip, port: address.port, signal: either })
  let isConnected = false
  socket.once('connect', () => {
    isConnected = true
  })
  try {
    return await devicesOf(new Asking(socket), version)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof WorkerTrouble) throw error
    if (deadline.aborted) throw silence(isConnected, answerMs)
    throw refusal(error as NodeJS.ErrnoException, isConnected)
  } finally {
    socket.destroy()
  }
}

async function devicesOf(asking: Asking, version: string): Promise<WorkerMemory[]> {
  const greeting = await asking.ask(commands.hello, Buffer.alloc(capabilityBytes), 28)
  checkVersion([...greeting.subarray(0, 3)].join('.'), version)
  const count = (await asking.ask(commands.deviceCount, Buffer.alloc(0), 4)).readUInt32LE()
  const devices: WorkerMemory[] = []
  for (let device = 0; device < count; device++) {
    const which = Buffer.alloc(4)
    which.writeUInt32LE(device)
    const told = await asking.ask(commands.getDeviceMemory, which, 16)
    const [freeBytes, totalBytes] = [told.readBigUInt64LE(0), told.readBigUInt64LE(8)].map(Number)
    devices.push({ freeBytes: freeBytes ?? 0, totalBytes: totalBytes ?? 0 })
  }
  if (devices.length > 0) return devices
  throw new WorkerTrouble('has no devices', {})
}

/** As ggml's client takes it. */
function checkVersion(theirs: string, ours: string): void {
  const [theirMajor = 0, theirMinor = 0] = theirs.split('.').map(Number)
  const [ourMajor = 0, ourMinor = 0] = ours.split('.').map(Number)
  if (theirMajor === ourMajor && theirMinor <= ourMinor) return
  const fix = 'use one version of Sluice, or of llama.cpp, on all machines'
  throw new WorkerTrouble(`speaks RPC ${theirs}, and this is RPC ${ours}; ${fix}`, {})
}

function silence(isConnected: boolean, answerMs: number): WorkerTrouble {
  if (!isConnected) {
    const fix = 'is the machine up, and does its firewall let the port through?'
    return new WorkerTrouble(`does not answer within ${answerMs} ms; ${fix}`, {})
  }
  const why = 'it serves another program (a worker serves one at a time), or it is no worker'
  return new WorkerTrouble(`takes the connection and says nothing: ${why}`, { isBusy: true })
}

function refusal(cause: NodeJS.ErrnoException, isConnected: boolean): WorkerTrouble {
  if (cause.code === 'ECONNREFUSED') {
    const fix = 'start it there with: sluice worker'
    return new WorkerTrouble(`refuses the connection (ECONNREFUSED); ${fix}`, { cause })
  }
  if (!isConnected) return new WorkerTrouble(`cannot be reached: ${cause.message}`, { cause })
  const fix = 'use one version of Sluice, or of llama.cpp, on all machines'
  return new WorkerTrouble(`is no worker, or one of another protocol; ${fix}`, { cause })
}

/** Question and answer, one after the other. */
class Asking {
  readonly #socket: net.Socket
  readonly #chunks: AsyncIterator<Buffer>
  #come: Buffer = Buffer.alloc(0)

  constructor(socket: net.Socket) {
    this.#socket = socket
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  }

  /** Each question and each answer has its length before it. */
  async ask(command: number, body: Buffer, answerBytes: number): Promise<Buffer> {
    const head = Buffer.alloc(9)
    head.writeUInt8(command)
    head.writeBigUInt64LE(BigInt(body.length), 1)
    this.#socket.write(Buffer.concat([head, body]))
    const length = (await this.#take(8)).readBigUInt64LE()
    if (length !== BigInt(answerBytes)) throw new Error(`an answer of ${length} bytes`)
    return this.#take(answerBytes)
  }

  async #take(bytes: number): Promise<Buffer> {
    while (this.#come.length < bytes) {
      const { done, value } = await this.#chunks.next()
      if (done) throw new Error('the connection ended')
      this.#come = Buffer.concat([this.#come, value])
    }
    const taken = this.#come.subarray(0, bytes)
    this.#come = this.#come.subarray(bytes)
    return taken
  }
}
