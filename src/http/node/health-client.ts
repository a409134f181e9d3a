import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { rootCertificates } from 'node:tls'

interface HealthQuestion {
  /** Of the server. */
  readonly url: URL
  /** Where its address has what no URL can have: a zone. */
  readonly address?: string
  /**
   * Whether it is one of this machine. Its certificate is not looked at then: it bears the name by
   * which others know the server. So it is not known who answers.
   */
  readonly isHere: boolean
  /** With it the answer says why. Not sent where it is not known who answers. */
  readonly key: string | undefined
  /** A certificate to be trusted beside those that Node trusts. */
  readonly ca: string | undefined
  readonly timeoutMs: number
}

interface Health {
  readonly status: number
  /** Why it serves no requests, as far as it says. */
  readonly reason: string | undefined
}

/** No answer of /health is longer. */
const bytesMax = 64 * 1024

/** Asks a server how it is. */
export function askHealth(question: HealthQuestion): Promise<Health> {
  const { url, address, isHere, key, ca, timeoutMs } = question
  const isTls = url.protocol === 'https:'
  const isChecked = !isTls || !isHere
  const signal = AbortSignal.timeout(timeoutMs)
  const options = {
    signal,
    agent: false,
    ...(address === undefined ? {} : { hostname: address }),
    headers: {
      host: url.host,
      ...(isChecked && key !== undefined ? { authorization: `Bearer ${key}` } : {}),
    },
    rejectUnauthorized: isChecked,
    ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
  }
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(signal.aborted ? tooLate(timeoutMs) : error)
    const request = (isTls ? requestHttps : requestHttp)(new URL('/health', url), options)
    request.on('error', fail)
    request.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
        if (text.length > bytesMax) response.destroy(new Error('the answer is no health'))
      })
      response.on('error', fail)
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, reason: reasonIn(text) })
      })
    })
    request.end()
  })
}

function tooLate(timeoutMs: number): Error {
  return new Error(`there was no answer within ${timeoutMs} ms`)
}

function reasonIn(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: unknown; message?: unknown } }
    const said = [error?.code, error?.message].filter((one) => typeof one === 'string')
    return said.length === 0 ? undefined : said.join(': ')
  } catch {
    return undefined // another program's answer
  }
}
