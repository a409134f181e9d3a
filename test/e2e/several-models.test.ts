import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { models } from '../../src/index.js'
import { killAfterEach, type RunningCli, startCli } from '../support/cli.js'
import { eventually } from '../support/eventually.js'
import { Dice } from '../support/fuzz/dice.js'
import { encoderModel } from '../support/models/encoder-model.js'
import { randomModel } from '../support/models/random-model.js'
import { scriptModel } from '../support/models/script-model.js'

// Three real models behind the real command: one that embeds, one that says what is known, and one
// of 200 MB.

const reply = 'It was a fox.'
const mebibyte = 2 ** 20
const folder = mkdtempSync(join(tmpdir(), 'sluice-models-'))

afterAll(() => rmSync(folder, { recursive: true }))
killAfterEach()

const small = { context: 512, parallel: 2, cacheMiB: 8, threads: 1 }
const files = () => ({
  talker: { file: scriptModel({ reply }), ...small },
  vectors: { file: encoderModel(), threads: 1 },
  large: {
    file: randomModel({ layers: 12, embedding: 1024, feedForward: 4096, weights: 'q8_0' }),
    ...small,
  },
})

/** MiB that the large model and one of the others take together, and not all three. */
async function memoryForTwo(given: ReturnType<typeof files>): Promise<number> {
  const entries = Object.entries(given).map(([name, { file, ...rest }]) => {
    return [name, { model: file, ...rest }] as const
  })
  const pool = models({ models: Object.fromEntries(entries), memoryMiB: 4096 })
  pool.pool.survey()
  await eventually(() => pool.list().every(({ bytes }) => bytes !== undefined))
  const [talker = 0, vectors = 0, large = 0] = pool.list().map(({ bytes = 0 }) => bytes)
  await pool.close()
  expect(large).toBeGreaterThan(200 * mebibyte)
  const most = large + Math.max(talker, vectors)
  expect(Math.ceil(most / mebibyte) * mebibyte).toBeLessThan(large + talker + vectors)
  return Math.ceil(most / mebibyte)
}

/** Of a process, in bytes: what it has in memory, and the most that it had. */
function memoryOf({ child }: RunningCli): { now: number; peak: number } {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1])
  return { now: kib('VmRSS') * 1024, peak: kib('VmHWM') * 1024 }
}

const words = (count: number) => Array.from({ length: count }, (_, i) => `word ${i}`).join(' ')

/** Asks one of the models something; throws where the answer is not what it has to be. */
const asks: ((url: string) => Promise<void>)[] = [
  async (url) => {
    const body = { model: 'talker', messages: [{ role: 'user', content: 'What was it?' }] }
    const answer = await posted(url, '/v1/chat/completions', { ...body, max_tokens: 64 })
    expect(answer).toContain(reply)
  },
  async (url) => {
    const body = { model: 'vectors', input: ['a fox', words(20)] }
    const { data } = JSON.parse(await posted(url, '/v1/embeddings', body))
    expect(data).toHaveLength(2)
  },
  async (url) => {
    const body = {
      model: 'large',
      prompt: words(10),
      max_tokens: 4,
      stream: true,
      ignore_eos: true,
    }
    const text = await posted(url, '/v1/completions', body)
    expect(text).toMatch(/"finish_reason":"length"[\s\S]*\[DONE\]/)
  },
  async (url) => {
    const messages = [{ role: 'user', content: words(5) }]
    const body = { model: 'large', max_tokens: 4, messages }
    const text = await posted(url, '/v1/messages', body)
    expect(JSON.parse(text)).toMatchObject({ type: 'message', model: 'large' })
  },
]

async function posted(url: string, path: string, body: object): Promise<string> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  expect([response.status, text]).toEqual([200, text])
  return text
}

async function unload(url: string, model: string): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ model })
  await fetch(`${url}/models/unload`, { method: 'POST', headers, body })
}

async function metric(url: string, name: string): Promise<number[]> {
  const page = await (await fetch(`${url}/metrics`)).text()
  const values = [...page.matchAll(new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'gm'))]
  return values.map(([, value]) => Number(value))
}

function written(config: object): string {
  const file = join(folder, 'models.json')
  writeFileSync(file, JSON.stringify(config))
  return file
}

async function up(args: string[]): Promise<{ cli: RunningCli; url: string }> {
  const cli = startCli(['serve', '--port', '0', ...args])
  const [, url = ''] = await cli.said(/^Listening on (http:\S+?)\. Try:$/m)
  return { cli, url }
}

test.runIf(process.platform === 'linux')(
  '200 mixed requests of three models, with memory for two, are all answered within it',
  async () => {
    const given = files()
    const memoryMiB = await memoryForTwo(given)
    const { cli, url } = await up(['--config', written({ memoryMiB, models: given })])
    await eventually(() => true)
    const before = memoryOf(cli).now
    const dice = new Dice(1)
    const questions = Array.from({ length: 200 }, () => dice.pick(asks))
    let used = 0
    const worker = async () => {
      for (let ask = questions.pop(); ask !== undefined; ask = questions.pop()) {
        await ask(url)
        const [now = 0] = await metric(url, 'sluice_models_memory_bytes')
        used = Math.max(used, now)
      }
    }
    await Promise.all(Array.from({ length: 8 }, worker))
    const loads = await metric(url, 'sluice_model_loads_total')
    const unloads = await metric(url, 'sluice_model_unloads_total')
    const sum = (all: number[]) => all.reduce((total, one) => total + one, 0)
    const { peak } = memoryOf(cli)
    for (const model of Object.keys(given)) await unload(url, model)
    await eventually(() => memoryOf(cli).now < peak - 200 * mebibyte)
    const after = memoryOf(cli).now
    const mib = (bytes: number) => Math.round(bytes / mebibyte)
    const said =
      `loads ${loads}, unloads ${unloads}; budget ${memoryMiB} MiB, counted ${mib(used)}; ` +
      `process ${mib(before)} MiB before, ${mib(peak)} at most, ${mib(after)} after`
    expect(sum(loads), said).toBeGreaterThan(6)
    expect(sum(loads) - sum(unloads), said).toBeGreaterThanOrEqual(1)
    expect(sum(loads) - sum(unloads), said).toBeLessThanOrEqual(2)
    expect(sum(await metric(url, 'sluice_model_failures_total')), said).toBe(0)
    expect(used, said).toBeLessThanOrEqual(memoryMiB * mebibyte)
    // What is left without any model is Node's own: its heap has grown with the requests.
    expect(peak - after, said).toBeLessThan(memoryMiB * mebibyte)
    if (process.env.SLUICE_TEST_TELL) console.log(said)
    cli.child.kill('SIGTERM')
    const { code, stderr } = await cli.result
    expect(code).toBe(0)
    expect(stderr.match(/^sluice: loaded /gm)).toHaveLength(sum(loads))
    expect(stderr.match(/^sluice: unloaded /gm)).toHaveLength(sum(loads))
  },
  15 * 60_000,
)
