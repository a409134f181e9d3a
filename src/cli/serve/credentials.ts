import { type ApiKey, readApiKeys } from '../../options/api-keys.js'
import { refused } from '../../options/checks.js'
import type { serveFlags } from '../../options/command-flags.js'
import type { Settled } from '../../options/flags.js'
import { textOfFlag } from '../flag-file.js'

/** The flags whose files are read again at SIGHUP. */
export type CredentialFlags = Pick<Settled<typeof serveFlags>, 'apiKeyFile' | 'tlsCert' | 'tlsKey'>

/** A certificate and its key, as PEM. */
interface Certificate {
  readonly cert: string
  readonly key: string
}

/** What opens a server, and by what it is known. */
export interface Credentials {
  readonly apiKeys: ApiKey[]
  /** Undefined where it speaks plain HTTP. */
  readonly tls: Certificate | undefined
}

/** @throws InvalidOptionError where a file cannot be read, or says nothing of use */
export function readCredentials(flags: CredentialFlags): Credentials {
  return { apiKeys: readApiKeys(flags.apiKeyFile, process.env), tls: readCertificate(flags) }
}

/** @throws InvalidOptionError where one of the two is missing, or cannot be read */
export function readCertificate({ tlsCert, tlsKey }: CredentialFlags): Certificate | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined
  if (tlsKey === undefined) throw refused('--tls-key', "the certificate's key", 'none')
  if (tlsCert === undefined) throw refused('--tls-cert', 'a certificate for the key', 'none')
  return { cert: pemOf('--tls-cert', tlsCert), key: pemOf('--tls-key', tlsKey) }
}

function pemOf(flag: string, file: string): string {
  const text = textOfFlag(flag, file)
  if (text.trim() === '') throw refused(flag, 'a file of PEM', `an empty one, ${file}`)
  return text
}
