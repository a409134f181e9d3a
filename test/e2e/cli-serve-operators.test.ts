import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect } from 'node:tls'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { killAfterEach, type RunningCli, runCli, startCli } from '../support/cli.js'
import { eventually } from '../support/eventually.js'
import { scriptModel } from '../support/models/script-model.js'
import {
  hasOpenssl,
  type TestCertificate,
  testCertificate,
} from '../support/operators/certificate.js'
import { hasPerl, NotifySocket } from '../support/operators/notify-socket.js'

// What an operator asks of `sluice serve`: TLS, a reload, a service manager, health.

const endless = scriptModel({ reply: 'on and on it goes, ', repeat: true })
const folder = mkdtempSync(join(tmpdir(), 'sluice-operators-'))
const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
const keyFile = join(folder, 'keys')
const tlsArgs = ['--tls-cert', files.cert, '--tls-key', files.key]

/** A stream of more than the kernels buffer: 8,000 tokens, and some 2 KB for each. */
const wordy = { stream: true, logprobs: true, top_logprobs: 20 }

const open: { close(): void }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})
afterAll(() => rmSync(folder, { recursive: true }))
killAfterEach()

function write({ cert, key }: TestCertificate): void {
  writeFileSync(files.cert, cert)
  writeFileSync(files.key, key)
}

async function up(args: string[], env: Record<string, string> = {}) {
  const cli = startCli(['serve', '--port', '0', ...args], { env })
  const [, url = ''] = await cli.said(/^Listening on (https?:\S+?)\. Try/m)
  return { cli, url: new URL(url), log: logOf(cli) }
}

/** What it has said on stderr so far. */
function logOf(cli: RunningCli): { text: string } {
  const log = { text: '' }
  cli.child.stderr?.on('data', (part: Buffer) => {
    log.text += part
  })
  return log
}

function post(url: URL, body: object, key?: string) {
  return new Promise<{ status: number; stream: NodeJS.ReadableStream; end(): void }>(
    (resolve, reject) => {
      const headers = {
        'content-type': 'application/json',
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      }
      const options = { method: 'POST', agent: false, rejectUnauthorized: false, headers }
      const sent = request(new URL('/v1/chat/completions', url), options, (response) => {
        resolve({
          status: response.statusCode ?? 0,
          stream: response.setEncoding('utf8'),
          end: () => sent.destroy(),
        })
      })
      sent.on('error', reject)
      sent.end(
        JSON.stringify({ model: 'default', messages: [{ role: 'user', content: 'x' }], ...body }),
      )
    },
  )
}

/** The name in the certificate that a new connection is given. */
function nameAt({ port }: URL): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false })
    socket.on('error', reject)
    socket.on('secureConnect', () => {
      resolve(`${socket.getPeerCertificate().subject.CN}`)
      socket.destroy()
    })
  })
}

describe.skipIf(!hasOpenssl)('TLS (needs openssl)', () => {
  test('SIGHUP takes newer files while a stream runs, and no broken ones', async () => {
    write(testCertificate('one'))
    writeFileSync(keyFile, 'key-1 name=alice\n')
    const { cli, url, log } = await up([
      ...tlsArgs,
      ...['--model', endless, '--api-key-file', keyFile],
    ])
    expect(url.protocol).toBe('https:')
    const { status, stream, end } = await post(url, wordy, 'key-1')
    expect(status).toBe(200)
    let received = ''
    stream.on('data', (part: string) => {
      received += part
    })
    await eventually(() => received !== '', 'the stream did not begin')
    stream.pause() // so that it is under way until it is looked at again

    write(testCertificate('two'))
    writeFileSync(keyFile, 'key-2 name=bob\n')
    cli.child.kill('SIGHUP')
    await eventually(() => log.text.includes(`read ${files.cert} again`), 'it did not reload')
    expect(log.text).toContain(`read ${keyFile} again`)
    expect(await nameAt(url)).toBe('two')
    expect((await post(url, { max_tokens: 1 }, 'key-1')).status).toBe(401)
    expect((await post(url, { max_tokens: 1 }, 'key-2')).status).toBe(200)

    writeFileSync(files.cert, testCertificate('three').cert) // of another key
    writeFileSync(keyFile, '# all gone\n')
    cli.child.kill('SIGHUP')
    const broken = `${files.cert} is not taken, what was read before stays: '--tls-cert': expected`
    await eventually(() => log.text.includes(broken), `it said only: ${log.text}`)
    expect(log.text).toContain(`${keyFile} is not taken, what was read before stays`)
    expect(await nameAt(url)).toBe('two')
    expect((await post(url, { max_tokens: 1 }, 'key-2')).status).toBe(200)

    const before = received.length
    stream.resume()
    await eventually(() => received.length > before, 'the stream has stopped')
    expect(received).not.toContain('error')
    end()
    await eventually(() => / gone .* key alice /.test(log.text), 'its end was not logged')
    // What the client had of it is counted, though it left.
    expect(log.text).toMatch(/ 200 gone \d+ ms \d+\+[1-9]\d* tokens key alice /)
    expect(log.text).not.toMatch(/key-[12]/)
    cli.child.kill('SIGTERM')
    expect((await cli.result).code).toBe(0)
  })

  test('a client that hangs up once it has its answer is told as served', async () => {
    write(testCertificate('one'))
    const { cli, url } = await up([...tlsArgs, '--model', endless, '--log-format', 'json'])
    for (let i = 0; i < 40; i++) {
      const { stream } = await post(url, { max_tokens: 2, stream: i % 2 === 0 })
      await text(stream) // without keep-alive the connection ends with it
    }
    cli.child.kill('SIGTERM')
    const { stderr } = await cli.result
    const entries = stderr.split('\n').filter((line) => line.includes('"request"'))
    expect(entries.map((line) => JSON.parse(line).outcome)).toEqual(Array(40).fill('done'))
  })

  test('sluice health asks by the same flags as serve, over TLS too', async () => {
    write(testCertificate('one'))
    writeFileSync(keyFile, 'key-1\n')
    const args = [...tlsArgs, '--api-key-file', keyFile]
    const { cli, url } = await up([...args, '--model', endless])
    const env = { SLUICE_PORT: url.port, SLUICE_TLS_CERT: files.cert, SLUICE_API_KEY_FILE: keyFile }
    expect(await runCli(['health'], { env })).toEqual({ code: 0, stdout: 'ok\n', stderr: '' })
    const { stream, end } = await post(url, wordy, 'key-1')
    stream.on('error', () => undefined) // and nobody reads it: it is under way
    cli.child.kill('SIGTERM')
    let draining = await runCli(['health'], { env })
    await eventually(async () => {
      draining = await runCli(['health'], { env })
      return draining.code === 1
    })
    expect(draining.stderr).toMatch(/^sluice: https:\S+ answers with 503 \(shutting_down/)
    end()
    await cli.result
    const gone = await runCli(['health'], { env })
    expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining('does not answer')])
  })

  test.each([
    [['--tls-cert', files.cert], "'--tls-key': expected the certificate's key, but got none."],
    [['--tls-key', files.key], "'--tls-cert': expected a certificate for the key, but got none."],
    [['--tls-cert', '/nowhere', '--tls-key', files.key], "'--tls-cert': expected a file that can"],
    [['--tls-cert', files.key, '--tls-key', files.key], "'--tls-cert': expected a certificate and"],
    [['--tls-cert', files.cert, '--tls-key', '/dev/null'], "'--tls-key': expected a file of PEM"],
    [['--tls-cert', '/dev/null', '--tls-key', files.key], "'--tls-cert': expected a file of PEM"],
    [['--key-requests', '2'], "'--key-requests' and the like: expected keys"],
  ])('%j is refused before a model is loaded', async (args, message) => {
    write(testCertificate('one'))
    const { code, stderr } = await runCli(['serve', '--port', '0', '--model', endless, ...args])
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
  })
})

test.skipIf(!hasPerl)(
  'a service manager hears of start, life, reload and end (needs perl)',
  async () => {
    writeFileSync(keyFile, 'key-1\n')
    const socket = await NotifySocket.open(join(folder, 'notify'))
    open.push(socket)
    const env = { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: '200000' }
    const { cli, url } = await up(['--model', endless, '--api-key-file', keyFile], env)
    await eventually(() => socket.told.length >= 4, 'it was told nothing')
    const [ready, ...beats] = socket.told
    expect(ready).toMatch(new RegExp(`^READY=1 STATUS=Serving \\S+ at ${url.origin}$`))
    expect(new Set(beats)).toEqual(new Set(['WATCHDOG=1']))
    cli.child.kill('SIGHUP')
    const others = () => socket.told.filter((one) => one !== 'WATCHDOG=1').slice(1)
    await eventually(() => others().length === 2, 'it was not told of the reload')
    cli.child.kill('SIGTERM')
    expect((await cli.result).code).toBe(0)
    await eventually(() => others().length === 3, 'it was not told of the end')
    expect(others()).toEqual([
      expect.stringMatching(/^RELOADING=1 MONOTONIC_USEC=\d+$/),
      'READY=1',
      'STOPPING=1 STATUS=Draining',
    ])
  },
)

test('without files to read again SIGHUP ends the server, as ever', async () => {
  const { cli } = await up(['--model', endless])
  cli.child.kill('SIGHUP')
  await cli.result
  expect(cli.child.signalCode).toBe('SIGHUP')
})
