import { binding } from '../../binding/binding.js'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * systemd, or what starts services as it does: told when the server is ready, reloads and stops,
 * and now and then that it lives (sd_notify's protocol). It is told by this very process, and not
 * by systemd-notify, a process of its own that is often gone before systemd has looked whose it is,
 * and that needs NotifyAccess=all. Does nothing where NOTIFY_SOCKET names no socket.
 */
export class ServiceManager {
  readonly #socket: string | undefined
  /** Within which it wants to hear that the server lives. */
  readonly #watchdogMs: number | undefined
  #timer: NodeJS.Timeout | undefined
  /** From READY=1 until STOPPING=1: a reload before or after that would say READY=1 as well. */
  #isServing = false
  #hasFailed = false

  constructor(environment: Environment = process.env) {
    const { NOTIFY_SOCKET: socket } = environment
    this.#socket = socket && /^[/@]./.test(socket) ? socket : undefined
    this.#watchdogMs = watchdogMs(environment)
  }

  get isThere(): boolean {
    return this.#socket !== undefined
  }

  /** @param isAlive whether the server does what it is there for */
  ready(status: string, isAlive: () => boolean): void {
    this.#isServing = true
    this.#tell(['READY=1', `STATUS=${status.replaceAll('\n', ' ')}`])
    if (this.#socket === undefined || this.#watchdogMs === undefined) return
    const beat = () => {
      if (isAlive()) this.#tell(['WATCHDOG=1'])
    }
    // Twice as often as it has to be, as sd_watchdog_enabled(3) advises.
    this.#timer = setInterval(beat, this.#watchdogMs / 2).unref()
    beat()
  }

  reloading(): void {
    if (!this.#isServing) return
    const usec = process.hrtime.bigint() / 1000n // of CLOCK_MONOTONIC
    this.#tell(['RELOADING=1', `MONOTONIC_USEC=${usec}`])
  }

  reloaded(): void {
    if (this.#isServing) this.#tell(['READY=1'])
  }

  /** It is heard until the process ends: what is left may take as long as it takes. */
  stopping(): void {
    this.#isServing = false
    this.#tell(['STOPPING=1', 'STATUS=Draining'])
  }

  /** It ends, and is heard no more. */
  end(): void {
    clearInterval(this.#timer)
  }

  #tell(lines: readonly string[]): void {
    if (this.#socket === undefined) return
    try {
      binding().sendDatagram(this.#socket, lines.join('\n'))
    } catch (error) {
      if (this.#hasFailed) return
      this.#hasFailed = true
      const why = error instanceof Error ? error.message : String(error)
      process.stderr.write(`sluice: warning: the service manager is not told: ${why}\n`)
    }
  }
}

/** Undefined where none is wanted, or of another process. */
function watchdogMs({ WATCHDOG_USEC: usec, WATCHDOG_PID: pid }: Environment): number | undefined {
  const ms = Number(usec) / 1000
  if (!(ms > 0) || ms > 2 ** 31 - 1) return undefined
  return pid === undefined || Number(pid) === process.pid ? ms : undefined
}
