import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import tls from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { largeRandomModel, randomModel } from '../../support/models/random-model.js'
import { hasOpenssl, testCertificate } from '../../support/operators/certificate.js'
import { textOf as wordsOf } from '../../support/random-words.js'
import { FakeClock, hasFakeClock } from '../../support/reliability/fake-clock.js'
import { baselineOf, expectAsBefore, expectGoodEnd } from '../../support/reliability/invariants.js'
import { type ServerUnderTest, serve } from '../../support/reliability/server.js'
import { chatPath, postJson, story } from '../../support/serve.js'
import { chunksOf, textOf } from '../../support/sse.js'

// The system's clock is set while the server runs: by an operator, or by NTP after a long sleep.

const usual = ['--kv-type', 'q8_0', '--context', '4096']
const args = ['--model', randomModel({ weights: 'q8_0' }), ...usual]
/** Of a model whose reply to the end of its context takes seconds. */
const slowArgs = ['--model', largeRandomModel(), ...usual]
const jumps = ['+1d', '-1h', '@1970-01-02 00:00:00', '@2040-01-01 00:00:00', '+0']

let clock: FakeClock
let folder: string
beforeEach(() => {
  clock = new FakeClock()
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-clock-'))
})
afterEach(() => {
  clock.end()
  fs.rmSync(folder, { recursive: true, force: true })
})

async function stream({ url }: ServerUnderTest, more: object = {}, headers = {}): Promise<string> {
  const body = story({ ignore_eos: true, max_tokens: 150, seed: 3, ...more })
  return (await postJson(url, chatPath, body, headers)).text()
}

/** The clock of the server, by the time that a reply bears. */
async function serverYear(served: ServerUnderTest): Promise<number> {
  const [first] = chunksOf(await stream(served, { max_tokens: 1 }))
  return new Date((first?.created ?? 0) * 1000).getUTCFullYear()
}

/** Milliseconds until a request that waits for the one slot is refused by its own deadline. */
async function refusedAfter(served: ServerUnderTest): Promise<number> {
  const start = performance.now()
  const headers = { 'x-request-timeout': '1' }
  const answer = await postJson(served.url, chatPath, story({ stream: false }), headers)
  await answer.text()
  expect(answer.status).toBe(504)
  return performance.now() - start
}

describe.skipIf(!hasFakeClock)('a clock that jumps (needs libfaketime)', () => {
  test.each(['none', 'process'])(
    'moves no reply, no queue and no deadline (%s)',
    async (isolation) => {
      const stall = ['--engine-stall-ms', '2000', '--queue-deadline-ms', '20000', '--parallel', '1']
      const isolated = [...slowArgs, ...stall, '--isolation', isolation]
      const served = await serve(isolated, { env: clock.env })
      const before = await baselineOf(served)
      const quiet = await stream(served)
      const years = [await serverYear(served)]
      const waits: number[] = []
      const [engine] = served.engines()
      for (const jump of jumps) {
        const endless = new AbortController()
        const body = JSON.stringify(story({ ignore_eos: true, max_tokens: 4000 }))
        const headers = { 'content-type': 'application/json' }
        const held = await fetch(served.url + chatPath, {
          method: 'POST',
          headers,
          body,
          signal: endless.signal,
        })
        void held.text().catch(() => undefined)
        const queued = stream(served, {}, { 'x-request-timeout': '60' })
        const refused = refusedAfter(served)
        await sleep(100)
        clock.set(jump)
        waits.push(Math.round(await refused))
        endless.abort()
        expect(textOf(await queued)).toBe(textOf(quiet))
        years.push(await serverYear(served))
      }
      const now = new Date().getUTCFullYear()
      expect(years).toEqual([now, expect.any(Number), expect.any(Number), 1970, 2040, now])
      for (const wait of waits) {
        expect(wait).toBeGreaterThan(900)
        expect(wait).toBeLessThan(5000)
      }
      expect(served.engines()[0]).toBe(engine)
      await expectAsBefore(served, before, { descriptors: 4, residentMiB: 64 })
      await expectGoodEnd(served)
      console.log(`clock that jumps, ${isolation}:`, { years, msOfOneSecondDeadlines: waits })
    },
  )

  test('gives no key more tokens of a minute, and takes none', async () => {
    const keys = path.join(folder, 'keys')
    fs.writeFileSync(keys, 'key-1 tokens-per-minute=60\n')
    const served = await serve([...args, '--api-key-file', keys], { env: clock.env })
    const headers = { authorization: 'Bearer key-1' }
    const ask = async () => {
      const body = { prompt: 'x', max_tokens: 75, ignore_eos: true }
      const answer = await postJson(served.url, '/v1/completions', body, headers)
      await answer.text()
      return answer
    }
    let refused = await ask()
    for (let i = 0; i < 6 && refused.status === 200; i++) refused = await ask()
    expect(refused.status).toBe(429)
    for (const jump of jumps) {
      clock.set(jump)
      expect((await ask()).status).toBe(429)
    }
    const seconds = Number(refused.headers.get('retry-after'))
    expect(seconds).toBeGreaterThan(0)
    expect(seconds).toBeLessThanOrEqual(60)
    await sleep(seconds * 1000)
    expect((await ask()).status).toBe(200)
    await expectGoodEnd(served)
    console.log('tokens a minute under a clock that jumps:', { retryAfter: seconds })
  })

  test('closes no connection that is kept, and ends no drain', async () => {
    const served = await serve([...slowArgs, '--drain-ms', '3000'], { env: clock.env })
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    const get = () =>
      new Promise<number | undefined>((resolve, reject) => {
        const asked = http.get(`${served.url}/health`, { agent }, (response) => {
          const { localPort } = response.socket
          response.resume().on('end', () => resolve(localPort))
        })
        asked.on('error', reject)
      })
    const ports = new Set<number | undefined>()
    for (const jump of ['+0', ...jumps]) {
      clock.set(jump)
      await sleep(50)
      ports.add(await get())
    }
    expect(ports.size).toBe(1)
    agent.destroy()
    const endless = stream(served, { max_tokens: 4000, n: 4 })
    await eventually(async () => (await served.metric('num_requests_running')) === 4)
    const start = performance.now()
    served.cli.child.kill('SIGTERM')
    await sleep(200)
    clock.set('+1d')
    const said = await endless
    expect((await served.cli.result).code).toBe(0)
    const drained = Math.round(performance.now() - start)
    // To its end, or to the deadline: not to the jump.
    if (!said.includes('[DONE]')) expect(drained).toBeGreaterThan(2900)
    expect(drained).toBeLessThan(8000)
    console.log('drain under a clock that jumps:', { drained, whole: said.includes('[DONE]') })
  })

  test('keeps no state on disk for ever that was used at a later time', async () => {
    const states = path.join(folder, 'states')
    const cache = ['--cache-dir', states, '--cache-disk-gib', '0.002', '--cache-mib', '0']
    const served = await serve([...args, ...cache], { env: clock.env })
    const ask = async (seed: number) => {
      const body = { prompt: wordsOf(900, seed), max_tokens: 1, temperature: 0 }
      await (await postJson(served.url, '/v1/completions', body)).text()
    }
    const writes = () => served.metric('cache_disk_writes_total')
    const names = () => fs.readdirSync(states).filter((name) => name.endsWith('.kv'))
    await ask(0)
    await eventually(async () => (await writes()) === 1, 'no state was written')
    const [first = ''] = names()
    const later = new Date('2040-01-01')
    fs.utimesSync(path.join(states, first), later, later) // as a read of it does then
    for (let seed = 1; seed < 12 && names().includes(first); seed++) {
      const before = await writes()
      await ask(seed)
      await eventually(async () => (await writes()) > before, 'no further state was written')
    }
    expect(names()).not.toContain(first)
    await expectGoodEnd(served)
  })

  test.skipIf(!hasOpenssl)(
    'keeps no newer certificate from being taken (needs openssl)',
    async () => {
      const files = { cert: path.join(folder, 'cert.pem'), key: path.join(folder, 'key.pem') }
      const write = (name: string) => {
        const made = testCertificate(name)
        fs.writeFileSync(files.cert, made.cert)
        fs.writeFileSync(files.key, made.key)
      }
      write('one')
      const tlsArgs = ['--tls-cert', files.cert, '--tls-key', files.key]
      const served = await serve([...args, ...tlsArgs], { env: clock.env })
      for (const [i, jump] of jumps.entries()) {
        clock.set(jump)
        write(`certificate-${i}`)
        served.cli.child.kill('SIGHUP')
        const isTaken = async () => (await nameAt(served.port)) === `certificate-${i}`
        await eventually(isTaken, `the certificate was not taken after ${jump}`)
      }
      await expectGoodEnd(served)
    },
  )
})

/** The name in the certificate that a new connection is given. */
function nameAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
    socket.on('error', reject)
    socket.on('secureConnect', () => {
      resolve(`${socket.getPeerCertificate().subject.CN}`)
      socket.destroy()
    })
  })
}
