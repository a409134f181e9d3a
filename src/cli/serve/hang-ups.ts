import { closeSync, openSync } from 'node:fs'
import type { CredentialFlags } from './credentials.js'

/**
 * SIGHUP, which has the files of keys and of the certificate read again; one that comes while the
 * server starts is heard once it listens. Without such files the signal ends the process, as ever;
 * and where the terminal is gone, it is the server's end as well. A service manager means a reload
 * in any case: an end by this signal would count as wanted.
 */
export class HangUps {
  #hasCome = false
  #onHangUp = (): void => {
    this.#hasCome = true
  }

  /** @param isManaged whether a service manager has started it */
  constructor({ apiKeyFile, tlsCert }: CredentialFlags, isManaged: boolean) {
    const hasFiles = apiKeyFile !== undefined || tlsCert !== undefined
    if (!hasFiles && !isManaged) return
    const hadTerminal = hasTerminal()
    process.on('SIGHUP', () => {
      if (hadTerminal && !hasTerminal()) process.kill(process.pid, 'SIGTERM')
      else this.#onHangUp()
    })
  }

  /** @param onHangUp called for each from now on, and once for all before */
  listen(onHangUp: () => void): void {
    this.#onHangUp = onHangUp
    if (this.#hasCome) onHangUp()
  }
}

function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false // none, or the system has no such file
  }
}
