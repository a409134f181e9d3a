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

/**
 * Reads the files of keys and of the certificate again. Each by itself: a broken file leaves in use
 * what was there, and the log says so.
 */
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
