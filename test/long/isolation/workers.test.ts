import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EngineCrash } from '../../../src/api/isolation-types.js'
import { type Engine, type LoadOptions, load } from '../../../src/index.js'
import { eventually } from '../../support/eventually.js'
import { childrenOf } from '../../support/isolated/served.js'
import { randomModel } from '../../support/models/random-model.js'
import {
  makeNamespaces,
  removeNamespaces,
  setCable,
  startWorkerIn,
  whyNoNamespaces,
} from '../../support/workers/namespaces.js'
import type { StartedWorker } from '../../support/workers/started.js'

// One model over workers with networks of their own.

const why = whyNoNamespaces()
const quiet: LoadOptions = { kvType: 'q8_0', parallel: 1, onWarning: () => undefined }
const requests = [{ temperature: 0 }, { temperature: 1, seed: 7 }]
/** 67 million parameters, of which some 66 million are read for each token. */
const large = () =>
  randomModel({ layers: 4, embedding: 1024, feedForward: 4096, weights: 'q8_0', context: 2048 })

/** Texts, and tokens a second of the lot. */
async function measured(engine: Engine, maxTokens: number) {
  const texts: string[] = []
  const begin = performance.now()
  for (const one of requests) {
    texts.push(
      await engine.complete('Once upon a time', { maxTokens, ignoreEos: true, ...one }).text(),
    )
  }
  const seconds = (performance.now() - begin) / 1000
  return { texts, perSecond: Math.round((requests.length * maxTokens) / seconds) }
}

async function answersOf(options: LoadOptions) {
  const engine = await load({ ...quiet, ...options })
  await engine.complete('Once', { maxTokens: 8 }).text() // all is set up
  const found = await measured(engine, 128)
  await engine.close()
  return found
}

async function ends({ cli }: StartedWorker): Promise<void> {
  cli.child.kill('SIGTERM')
  expect((await cli.result).code).toBe(0)
}

describe.skipIf(why !== undefined)(
  `workers in networks of their own${why ? ` (${why})` : ''}`,
  () => {
    beforeAll(makeNamespaces)
    afterAll(removeNamespaces)

    test.each([
      ['the storyteller', () => undefined],
      ['a random model of 67 million parameters', large],
    ])('answer as one machine does: %s', async (what, file) => {
      const workers = [await startWorkerIn(0), await startWorkerIn(1)]
      const rpc = workers.map(({ name }) => name)
      const model = file()
      const of = model === undefined ? {} : { model }
      const alone = await answersOf({ ...of, threads: 1 })
      const one = await answersOf({ ...of, rpc: rpc.slice(0, 1) })
      const both = await answersOf({ ...of, rpc })
      const speeds = [alone, one, both].map(({ perSecond }) => perSecond).join(', ')
      console.log(`${what}: tokens/s alone, over one worker, over two: ${speeds}`)
      expect(one.texts).toEqual(alone.texts)
      expect(both.texts).toEqual(alone.texts)
      for (const worker of workers) await ends(worker)
    })

    test('that die are survived, once they are back', async () => {
      const first = [await startWorkerIn(0), await startWorkerIn(1)]
      const crashes: EngineCrash[] = []
      const onCrash = (crash: EngineCrash) => void crashes.push(crash)
      const rpc = first.map(({ name }) => name)
      const engine = await load({ ...quiet, rpc, onCrash })
      const { texts } = await measured(engine, 32)
      const long = engine.complete('Once', { maxTokens: 900, ignoreEos: true })
      await long[Symbol.asyncIterator]().next() // what has not begun would wait for the worker
      first[1]?.cli.child.kill('SIGTERM')
      expect(await long.done.catch((error) => error)).toMatchObject({ code: 'ERR_ENGINE_CRASHED' })
      const waiting = measured(engine, 32)
      const again = await startWorkerIn(1, ['--port', rpc[1]?.split(':')[1] as string])
      expect((await waiting).texts).toEqual(texts)
      expect(crashes).toMatchObject([{ reason: 'crashed', failed: 1 }])
      await engine.close()
      await ends(first[0] as StartedWorker)
      await ends(again)
    })

    test('notice a client whose machine is gone, and serve the next one', async () => {
      const worker = await startWorkerIn(0)
      let log = ''
      worker.cli.child.stderr?.on('data', (text) => {
        log += text
      })
      const rpc = [worker.name]
      const engine = await load({ ...quiet, rpc })
      const closed = () => log.match(/Client connection closed/g)?.length ?? 0
      const before = closed()
      setCable(0, false)
      try {
        await engine.close()
        expect(closed()).toBe(before) // its goodbye was not heard
        await eventually(() => closed() > before, 'it waits for a client that is gone', 60_000)
      } finally {
        setCable(0, true)
      }
      const { texts } = await answersOf({ rpc })
      expect(texts[0]).not.toBe('')
      await ends(worker)
    })

    test('that cannot be reached any more have the engine killed and end it', async () => {
      const worker = await startWorkerIn(0)
      const crashes: EngineCrash[] = []
      const onCrash = (crash: EngineCrash) => void crashes.push(crash)
      const rpc = [worker.name]
      const engine = await load({ ...quiet, rpc, onCrash, engineStallMs: 3000, rpcWaitMs: 4000 })
      setCable(0, false)
      try {
        const reply = engine.complete('Once', { maxTokens: 8 }).text()
        await expect(reply).rejects.toMatchObject({ code: 'ERR_ENGINE_ENDED' })
        const ended = await engine.ended
        expect(ended?.cause).toMatchObject({ code: 'ERR_WORKER_UNAVAILABLE' })
        expect(crashes).toMatchObject([{ reason: 'stalled' }])
      } finally {
        setCable(0, true)
      }
      worker.cli.child.kill('SIGKILL')
    })

    test('keep large weights in a folder, and are not sent them again', async () => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-weights-'))
      const worker = await startWorkerIn(0, ['--weights-dir', folder])
      const model = randomModel({ layers: 1, embedding: 2048, feedForward: 8192, weights: 'q8_0' })
      const options = { model, rpc: [worker.name], kvType: 'f16' as const }
      const first = await answersOf(options)
      const kept = fs.readdirSync(folder)
      expect(kept.length).toBeGreaterThan(0)
      const sent = sentBytes()
      const second = await answersOf(options)
      const large = kept.reduce((sum, name) => sum + fs.statSync(path.join(folder, name)).size, 0)
      expect(sentBytes() - sent).toBeLessThan(fs.statSync(model).size - large / 2)
      expect(second.texts).toEqual(first.texts)
      expect(childrenOf(worker.cli.child.pid as number)).toHaveLength(1)
      await ends(worker)
      fs.rmSync(folder, { recursive: true })
    })
  },
)

/** Over the first cable, since it was made. */
function sentBytes(): number {
  const [device = ''] = fs.readdirSync('/sys/class/net').filter((name) => name.endsWith('-0'))
  return Number(fs.readFileSync(`/sys/class/net/${device}/statistics/tx_bytes`, 'utf8'))
}
