import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** node:crypto makes keys and no certificates. */
export const hasOpenssl = spawnSync('openssl', ['version']).status === 0

export interface TestCertificate {
  readonly cert: string
  readonly key: string
}

/** A certificate for localhost and 127.0.0.1 that is signed by itself. */
export function testCertificate(name = 'sluice.test'): TestCertificate {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-certificate-'))
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1'
  args.push('-nodes', '-days', '30', '-subj', `/CN=${name}`, '-addext', names)
  const { status, stderr } = spawnSync('openssl', [...args, '-keyout', key, '-out', cert])
  if (status !== 0) throw new Error(`openssl made no certificate: ${stderr}`)
  const made = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  rmSync(folder, { recursive: true })
  return made
}
