import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { randomModel } from '../../support/models/random-model.js'
import { textOf as wordsOf } from '../../support/random-words.js'
import { baselineOf, expectAsBefore, expectGoodEnd } from '../../support/reliability/invariants.js'
import { processorSeconds, resourcesOf } from '../../support/reliability/resources.js'
import {
  type ServerUnderTest,
  serve,
  servesOrEnds,
  startServe,
} from '../../support/reliability/server.js'
import { chatPath, postJson, story } from '../../support/serve.js'
import { textOf } from '../../support/sse.js'

// A process that may open few files: `ulimit -n`.

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-descriptors-'))
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

const model = randomModel({ weights: 'q8_0' })
const args = ['--model', model, '--kv-type', 'q8_0', '--context', '4096', '--log-level', 'error']

/** Connections that ask nothing. */
class Crowd {
  readonly sockets: net.Socket[] = []
  closed = 0

  async join(port: number, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const socket = net.connect(port, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.on('close', () => this.closed++)
      this.sockets.push(socket)
    }
    await sleep(500)
  }

  leave(): void {
    for (const socket of this.sockets) socket.destroy()
  }
}

const long = story({ ignore_eos: true, max_tokens: 3000, seed: 3 })

/** A reply that takes a while. */
async function stream({ url }: ServerUnderTest): Promise<string> {
  const response = await postJson(url, chatPath, long)
  return response.text()
}

/** A health check that comes through as soon as there is room for it. */
async function healthy({ url }: ServerUnderTest): Promise<void> {
  const asks = () => fetch(`${url}/health`).then(({ status }) => status === 200)
  await eventually(() => asks().catch(() => false), 'it does not answer')
}

describe.skipIf(process.platform !== 'linux')('a server that may open few files', () => {
  test.each([
    [64, 'none'],
    [256, 'none'],
    [64, 'process'],
    [256, 'process'],
  ])(
    'of %i takes as many connections as leave it some (isolation: %s)',
    async (files, isolation) => {
      const states = path.join(folder, `states-${files}-${isolation}`)
      const more = ['--isolation', isolation, '--cache-dir', states]
      const served = await serve([...args, ...more], { under: `ulimit -n ${files}; exec "$@"` })
      const before = await baselineOf(served)
      const quiet = await stream(served)
      const running = stream(served)
      await eventually(async () => (await served.metric('num_requests_running')) === 1)
      const crowd = new Crowd()
      await crowd.join(served.port, 2 * files)
      const used = resourcesOf(served.pid).descriptors
      expect(used).toBeLessThan(files - 4)
      expect(crowd.closed).toBeGreaterThanOrEqual(files)
      expect(textOf(await running)).toBe(textOf(quiet))
      const spent = processorSeconds(served.pid)
      await sleep(2000)
      const idleLoad = (processorSeconds(served.pid) - spent) / 2
      expect(idleLoad).toBeLessThan(0.5) // it does not spin
      crowd.leave()
      await healthy(served)
      if (isolation === 'process') {
        await crowd.join(served.port, 2 * files)
        const [first = 0] = served.engines()
        process.kill(first, 'SIGKILL')
        await eventually(() => served.engines().some((pid) => pid !== first))
        crowd.leave()
        await healthy(served)
      }
      const prompt = wordsOf(600, 1)
      const asked = await postJson(served.url, '/v1/completions', { prompt, max_tokens: 4 })
      expect(asked.status).toBe(200)
      await eventually(async () => (await served.metric('cache_disk_writes_total')) > 0)
      expect(await served.metric('cache_disk_errors_total')).toBe(0)
      const dropped = await served.metric('http_connections_dropped_total')
      await expectAsBefore(served, before, { descriptors: 8, residentMiB: 64 })
      const { descriptors } = served.resources()
      await expectGoodEnd(served)
      console.log(`ulimit -n ${files}, ${isolation}:`, {
        used,
        dropped,
        processorWhileFull: idleLoad.toFixed(2),
        descriptors: [before.descriptors, descriptors],
      })
    },
  )

  test('whose limit is lowered under it goes on once it has room again', async () => {
    const served = await serve(args)
    const before = await baselineOf(served)
    const running = stream(served)
    const limit = (files: string) => {
      const { status } = spawnSync('prlimit', ['--pid', `${served.pid}`, `--nofile=${files}`])
      expect(status).toBe(0)
    }
    await sleep(100)
    limit('12:4096')
    const crowd = new Crowd()
    await crowd.join(served.port, 30)
    expect(textOf(await running).length).toBeGreaterThan(3000)
    limit('4096:4096')
    crowd.leave()
    await healthy(served)
    await expectAsBefore(served, before, { descriptors: 8, residentMiB: 64 })
    await expectGoodEnd(served)
  })

  test.each(['none', 'process'])(
    'that cannot even load says so, and never exits with 0 (isolation: %s)',
    async (isolation) => {
      const outcomes: string[] = []
      for (let files = 10; files <= 32; files += 2) {
        const under = `ulimit -n ${files}; exec "$@"`
        const cli = startServe([...args, '--port', '0', '--isolation', isolation], { under })
        const isServing = (await servesOrEnds(cli)) === 'serves'
        if (isServing) cli.child.kill('SIGTERM')
        const { code, stderr } = await cli.result
        outcomes.push(`${files}: ${isServing ? 'serves' : (code ?? cli.child.signalCode)}`)
        expect([2, 13]).not.toContain(code)
        if (isServing) continue
        // Below some 18 Node itself cannot begin, and dies of a signal.
        if (code === 1) expect(stderr).toMatch(/EMFILE|ERR_[A-Z_]+/)
        else expect([code === 0, files < 20]).toEqual([false, true])
      }
      expect(outcomes.at(-1)).toMatch(/serves/)
      console.log(`ulimit -n, ${isolation}: ${outcomes.join(', ')}`)
    },
  )
})
