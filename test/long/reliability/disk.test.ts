import fs from 'node:fs'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { embeddedModel } from '../../../src/index.js'
import { startCli } from '../../support/cli.js'
import { eventually } from '../../support/eventually.js'
import { LoopbackHub } from '../../support/hub/loopback-hub.js'
import { randomModel } from '../../support/models/random-model.js'
import { textOf as wordsOf } from '../../support/random-words.js'
import {
  baselineOf,
  canaryOf,
  expectAsBefore,
  expectGoodEnd,
} from '../../support/reliability/invariants.js'
import { type ServerUnderTest, serve } from '../../support/reliability/server.js'
import { canMount, SmallDisk } from '../../support/reliability/small-disk.js'
import { postJson } from '../../support/serve.js'

// A disk that is full, and has room again. Stored responses are in memory alone: nothing to fill.

const model = randomModel({ weights: 'q8_0' })
const args = ['--model', model, '--kv-type', 'q8_0', '--context', '4096', '--parallel', '2']

let disk: SmallDisk
const mounted = (kib: number) => {
  disk = SmallDisk.make(kib) as SmallDisk
}
afterEach(() => disk.end())

/** The text after a long prompt of its own. */
async function textAfter({ url }: ServerUnderTest, seed: number): Promise<string> {
  const prompt = wordsOf(900, seed)
  const more = { temperature: 0, max_tokens: 16, seed: 1 }
  const response = await postJson(url, '/v1/completions', { prompt, ...more })
  const { choices } = (await response.json()) as { choices: [{ text: string }] }
  return choices[0].text
}

describe.skipIf(!canMount())('a disk that fills (needs root, for a tmpfs)', () => {
  describe.each(['text', 'json'])('with the log (%s)', (format) => {
    beforeEach(() => mounted(64))

    test('takes nothing from the answers, and the log goes on once it has room', async () => {
      const log = path.join(disk.folder, 'log')
      const under = `exec "$@" 2>>${log}`
      const served = await serve([...args, '--log-format', format], { under })
      const before = await baselineOf(served)
      disk.fill(8)
      const asked = 300
      for (let i = 0; i < asked; i++) {
        expect((await fetch(`${served.url}/v1/models`)).status).toBe(200)
      }
      expect(await canaryOf(served)).toBe(before.canary)
      expect(fs.statfsSync(disk.folder).bavail).toBe(0)
      const full = fs.readFileSync(log, 'utf8')
      disk.free()
      for (let i = 0; i < 20; i++) await (await fetch(`${served.url}/v1/models`)).text()
      await expectAsBefore(served, before, { descriptors: 4, residentMiB: 64 })
      await expectGoodEnd(served)
      const lines = fs.readFileSync(log, 'utf8').trimEnd().split('\n')
      const isWhole = (line: string) => {
        if (format === 'text') return /^\S+ (GET|POST) .* req_\w+$/.test(line)
        return line.startsWith('{') && line.endsWith('}') && JSON.parse(line) !== null
      }
      // One line was cut by the end of the disk. It spoils none of those after it.
      const cut = lines.filter((line) => line !== '' && !isWhole(line)).length
      expect(cut).toBeLessThanOrEqual(1)
      const later = lines.length - full.split('\n').length
      expect(later).toBeGreaterThanOrEqual(20)
      const told = full.split('\n').length - 1
      console.log(`log on a full disk, ${format}:`, { asked, told, cut, later })
    })
  })

  test('with states of conversations is told once, and has none that is half', async () => {
    mounted(4096)
    const cache = ['--cache-dir', path.join(disk.folder, 'states'), '--cache-mib', '0']
    const served = await serve([...args, ...cache, '--open-metrics'])
    const before = await baselineOf(served)
    const counter = (name: string) => served.metric(`cache_disk_${name}_total`)
    const texts = [await textAfter(served, 0)]
    await eventually(async () => (await counter('writes')) > 0, 'no state was written')
    disk.fill(16)
    for (let seed = 1; seed < 8; seed++) texts.push(await textAfter(served, seed))
    await eventually(async () => (await counter('errors')) > 0, 'the disk was not full')
    const [errors, dropped] = [await counter('errors'), await counter('dropped')]
    const states = () => fs.readdirSync(path.join(disk.folder, 'states'))
    expect(states().filter((name) => name.includes('.part'))).toEqual([])
    const whileFull = states().length
    disk.free()
    await expectAsBefore(served, before, { descriptors: 4, residentMiB: 64 })
    // A minute after the fault it tries again.
    const again = async () => {
      await textAfter(served, 100 + Math.floor(performance.now()))
      return states().length > whileFull
    }
    const start = performance.now()
    await eventually(again, 'it never wrote again', 90_000)
    const waited = Math.round((performance.now() - start) / 1000)
    const stderr = await expectGoodEnd(served)
    expect(stderr.match(/WARN_CACHE_DIR/g)).toHaveLength(1)
    expect(stderr).toMatch(/No space left on device.*goes on without/)
    const next = await serve([...args, ...cache, '--open-metrics'])
    for (const [seed, text] of texts.entries()) expect(await textAfter(next, seed)).toBe(text)
    expect(await next.metric('cache_disk_errors_total')).toBe(0)
    const reads = await next.metric('cache_disk_reads_total')
    expect(reads).toBeGreaterThan(0)
    await expectGoodEnd(next)
    console.log('states on a full disk:', { errors, dropped, waited, reads, states: whileFull })
  })
})

describe.skipIf(!canMount())('a pull whose disk fills under it (needs root, for a tmpfs)', () => {
  const name = 'hf:sluice/storyteller-GGUF:Q8_0'
  const content = fs.readFileSync(embeddedModel)
  let hub: LoopbackHub
  beforeAll(async () => {
    hub = await LoopbackHub.start()
    hub.put('sluice/storyteller-GGUF', { 'storyteller-Q8_0.gguf': content })
  })
  afterAll(() => hub.close())

  test('says so, keeps what came, and goes on from there once there is room', async () => {
    const kib = Math.ceil(content.length / 1024)
    mounted(kib + 512)
    const cache = path.join(disk.folder, 'hub')
    const env = { HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: cache, HF_TOKEN: '' }
    hub.pace = { bytes: 65_536, ms: 20 }
    const cut = startCli(['pull', name], { env })
    await eventually(() => hub.sentBytes > content.length / 4, 'it does not download')
    disk.fill()
    const { code, stdout, stderr } = await cut.result
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/its disk is full \(ENOSPC\)\. Make room and pull again: .*is kept/)
    // What is half is not taken for the model.
    const early = startCli(['serve', '--port', '0', '--model', name], { env })
    expect((await early.result).code).toBe(1)
    disk.free()
    hub.pace = null
    const sent = hub.sentBytes
    const again = await startCli(['pull', name], { env }).result
    expect(again.code, again.stderr).toBe(0)
    const resumed = hub.sentBytes - sent
    expect(resumed).toBeLessThan(content.length)
    expect(fs.readFileSync(again.stdout.trim()).equals(content)).toBe(true)
    console.log('pull on a full disk:', { bytes: content.length, resumedWith: resumed })
  })
})
