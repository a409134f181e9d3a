import { closeSync, openSync } from 'node:fs'
import { SluiceError } from '../../api/errors.js'
import { describeFault } from '../../http/fault.js'
import type { SluiceServer } from '../../http/node/server.js'
import { readApiKeys } from '../../options/api-keys.js'
import type { Log } from '../log-events.js'
import { type CredentialFlags, readCertificate } from './credentials.js'
import type { ServiceManager } from './service-manager.js'

interface Reloading {
  readonly server: Pick<SluiceServer, 'reload'>
  readonly log: Pick<Log, 'life'>
  readonly manager: Pick<ServiceManager, 'reloading' | 'reloaded'>
}

interface Managed extends Reloading {
  readonly manager: Pick<ServiceManager, 'isThere' | 'reloading' | 'reloaded'>
}

/**
 * At SIGHUP reads the files of keys and of the certificate again. Without such files the signal
 * ends the process, as ever; and where the terminal is gone, it is the server's end as well. A
 * service manager means a reload in any case: an end by this signal would count as wanted.
 */
export function reloadAtHangUp(flags: CredentialFlags, reloading: Managed): void {
  const hasFiles = flags.apiKeyFile !== undefined || flags.tlsCert !== undefined
  if (!hasFiles && !reloading.manager.isThere) return
  const hadTerminal = hasTerminal()
  process.on('SIGHUP', () => {
    if (hadTerminal && !hasTerminal()) process.kill(process.pid, 'SIGTERM')
    else reload(flags, reloading)
  })
}

function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false // none, or the system has no such file
  }
}

/** Each by itself: a broken file leaves in use what was there, and the log says so. */
export function reload(flags: CredentialFlags, { server, log, manager }: Reloading): void {
  const { apiKeyFile, tlsCert } = flags
  manager.reloading()
  const attempt = (file: string, take: () => void) => {
    try {
      take()
      log.life('reloaded', { file })
    } catch (error) {
      log.life('reload_failed', { file, error: inWords(error) })
    }
  }
  if (apiKeyFile !== undefined) {
    attempt(apiKeyFile, () => server.reload({ apiKeys: readApiKeys(apiKeyFile, process.env) }))
  }
  if (tlsCert !== undefined) {
    attempt(tlsCert, () => {
      const tls = readCertificate(flags)
      if (tls !== undefined) server.reload({ tls })
    })
  }
  manager.reloaded()
}

/** Of what is no error of ours the message may hold anything. */
function inWords(error: unknown): string {
  if (!(error instanceof SluiceError)) return describeFault(error).name
  return error.message.replace(/^'tls'/, "'--tls-cert'")
}
