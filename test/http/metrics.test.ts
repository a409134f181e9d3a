import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createServer } from '../support/adapters/adapter.js'
import { eventually, settle } from '../support/eventually.js'
import { serveModels } from '../support/pool/serve-models.js'
import { post } from '../support/raw-client.js'
import {
  alsoClose,
  chat,
  chatPath,
  closeAfterEach,
  counting,
  serve,
  stepUntil,
  story,
} from '../support/serve.js'

closeAfterEach()

/** Each sample by its name and labels, `model_name` left out. */
async function scrape(url: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}/metrics`, { headers })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  const text = await response.text()
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const plain = (name: string) => name.replace(/,?model_name="[^"]*"/, '').replace('{}', '')
  return new Map(
    samples.map((line) => {
      const at = line.lastIndexOf(' ')
      return [plain(line.slice(0, at)), Number(line.slice(at + 1))]
    }),
  )
}

test('the page of the docs has each metric with its type and labels, and no other', async () => {
  const { url } = await serve({ engine: { lora: { red: '/models/red.gguf' } } })
  await (await chat(url, story())).text()
  await (await chat(url, 'nonsense')).text()
  const ofOne = await (await fetch(`${url}/metrics`)).text()
  const several = await serveModels({ tales: {}, news: {} })
  await (await chat(several.url, story())).text()
  const ofModels = await (await fetch(`${several.url}/metrics`)).text()
  const own = ofModels.split('\n').filter((line) => / sluice_models?_|^sluice_models?_/.test(line))
  const text = [ofOne, ...own].join('\n')
  const sent = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => {
    const labels = new RegExp(`^${name}\\{([^}]*)\\}`, 'm').exec(text)?.[1] ?? ''
    const names = [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label)
    const shown = names.filter((label) => label !== 'le' && label !== 'model_name')
    return [name, type, shown.sort().join(' ')].join(' ')
  })
  const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
  const rows = page.split('\n').filter((line) => line.startsWith('| `sluice_'))
  const told = rows.map((row) => {
    const [name = '', type = '', labels = ''] = row
      .split('|')
      .slice(1)
      .map((cell) => cell.trim())
    const bare = (cell: string) => cell.replaceAll('`', '').replaceAll(',', '')
    return [bare(name), type, bare(labels).split(' ').sort().join(' ')].join(' ')
  })
  expect(told.sort()).toEqual(sent.sort())
  expect(sent.length).toBeGreaterThan(30)
})

test('gauges and counters are those of the engine, as of now', async () => {
  const script = () => ({ tokens: counting(), promptTokens: 8, cachedTokens: 6 })
  const engine = { parallel: 1, window: 4 }
  const { url, native, client } = await serve({ pace: 'manual', script, engine })
  for (let i = 1; i <= 2; i++) {
    const one = await client()
    one.send(post(chatPath, story({ stream: false })))
    await eventually(() => native.submitted.length === i)
  }
  native.step(3)
  const now = await scrape(url)
  expect(now.get('sluice_num_requests_running')).toBe(1)
  expect(now.get('sluice_num_requests_waiting')).toBe(1)
  expect(now.get('sluice_prompt_tokens_total')).toBe(8)
  expect(now.get('sluice_prefix_cache_queries_total')).toBe(8)
  expect(now.get('sluice_prefix_cache_hits_total')).toBe(6)
  expect(now.get('sluice_generation_tokens_total')).toBe(native.stats().tokensGenerated)
  expect(now.get('sluice_kv_cache_usage_perc')).toBe(native.stats().cellsUsed / 2048)
  expect(now.get('sluice_requests_started_total')).toBe(native.stats().started)
  expect(now.get('sluice_engine_rows_total{kind="prompt"}')).toBe(1)
  native.step()
  const later = await scrape(url)
  const steps = [now, later].map((one) => one.get('sluice_engine_steps_total') ?? 0)
  expect(steps).toEqual([native.stats().steps - 1, native.stats().steps])
})

test('a reply is counted once, by why it ended, and its times are observed', async () => {
  const script = () => ({ tokens: ['a', 'b', 'c'], promptTokens: 7, parkedMs: 100 })
  const { url } = await serve({ script })
  for (const more of [{}, { stream: false }, { max_tokens: 2 }]) {
    await (await chat(url, story(more))).text()
  }
  const now = await scrape(url)
  expect(now.get('sluice_request_success_total{finished_reason="stop"}')).toBe(2)
  expect(now.get('sluice_request_success_total{finished_reason="length"}')).toBe(1)
  expect(now.get('sluice_request_prompt_tokens_sum')).toBe(21)
  expect(now.get('sluice_request_generation_tokens_sum')).toBe(8)
  for (const name of [
    'time_to_first_token_seconds',
    'inter_token_latency_seconds',
    'e2e_request_latency_seconds',
    'request_queue_time_seconds',
    'request_prefill_time_seconds',
    'request_decode_time_seconds',
  ]) {
    expect(now.get(`sluice_${name}_count`)).toBe(3)
  }
  // The fake's decoding is its parking: no time between tokens is left.
  expect(now.get('sluice_request_parked_time_seconds_sum')).toBeCloseTo(0.3)
  expect(now.get('sluice_inter_token_latency_seconds_sum')).toBe(0)
})

test('a reply of one token has no time between tokens', async () => {
  const { url } = await serve({ script: () => ({ tokens: ['a'] }) })
  await (await chat(url, story())).text()
  const now = await scrape(url)
  expect(now.get('sluice_inter_token_latency_seconds_count')).toBe(0)
  expect(now.get('sluice_time_to_first_token_seconds_count')).toBe(1)
})

test('errors are counted by their code, requests by route and status', async () => {
  const { url } = await serve()
  await (await chat(url, story())).text()
  await (await chat(url, 'nonsense')).text()
  await (await chat(url, story({ model: 'gpt-5' }))).text()
  for (const path of ['/a', '/b?c=d', '/e']) await (await fetch(url + path)).text()
  const now = await scrape(url)
  expect(now.get('sluice_request_errors_total{code="invalid_request"}')).toBe(1)
  expect(now.get('sluice_request_errors_total{code="model_not_found"}')).toBe(1)
  expect(now.get('sluice_request_errors_total{code="route_not_found"}')).toBe(3)
  const requests = (method: string, route: string, status: number) =>
    now.get(`sluice_http_requests_total{method="${method}",route="${route}",status="${status}"}`)
  expect(requests('POST', chatPath, 200)).toBe(1)
  expect(requests('POST', chatPath, 400)).toBe(1)
  expect(requests('GET', 'none', 404)).toBe(3)
})

test('cancelled requests are counted by how far they had come', async () => {
  const script = () => ({ tokens: counting() })
  const { url, native, client } = await serve({ pace: 'manual', script, engine: { parallel: 1 } })
  const [running, queued] = [await client(), await client()]
  running.send(post(chatPath, story()))
  await stepUntil(native, () => running.text.includes('"0 "'))
  queued.send(post(chatPath, story()))
  await stepUntil(native, () => queued.text.includes('"role"'))
  queued.reset()
  await eventually(() => native.cancelled.length === 1)
  running.reset()
  await stepUntil(native, () => native.stats().cancelled === 2)
  const now = await scrape(url)
  const cancelled = ['queued', 'prefill', 'decode', 'parked'].map((phase) =>
    now.get(`sluice_requests_cancelled_total{phase="${phase}"}`),
  )
  expect(cancelled).toEqual([1, 0, 1, 0])
  expect(now.get('sluice_requests_ended_total{outcome="cancelled"}')).toBe(2)
})

test('the page needs a key like everything else, unless it is opened', async () => {
  const bearer = { authorization: 'Bearer key' }
  const { url } = await serve({ server: { apiKeys: ['key'] } })
  expect((await fetch(`${url}/metrics`)).status).toBe(401)
  expect((await scrape(url, bearer)).size).toBeGreaterThan(30)
  const open = await serve({ server: { apiKeys: ['key'], openMetrics: true } })
  expect((await scrape(open.url)).size).toBeGreaterThan(30)
  expect((await fetch(`${open.url}/v1/models`)).status).toBe(401)
})

test('the page answers while the model loads, and names the model afterwards', async () => {
  const { engine } = await serve()
  let loaded!: (one: typeof engine) => void
  const loading = new Promise<typeof engine>((resolve) => {
    loaded = resolve
  })
  const server = createServer({ engine: loading, port: 0 })
  const { url } = await server.listen()
  alsoClose(() => server.close())
  expect((await fetch(`${url}/health`)).status).toBe(503)
  const before = await scrape(url)
  expect(before.get('sluice_request_errors_total{code="loading"}')).toBe(1)
  expect(before.has('sluice_requests_ended_total{outcome="finished"}')).toBe(false)
  loaded(engine)
  await settle()
  const text = await (await fetch(`${url}/metrics`)).text()
  expect(text).toContain('sluice_requests_ended_total{outcome="finished",model_name="fake"} 0')
})

test('two servers of one process count apart', async () => {
  const { engine, url } = await serve()
  const other = createServer({ engine, port: 0 })
  const { url: otherUrl } = await other.listen()
  alsoClose(() => other.close())
  await (await chat(url, story())).text()
  const reason = 'sluice_request_success_total{finished_reason="stop"}'
  expect((await scrape(url)).get(reason)).toBe(1)
  expect((await scrape(otherUrl)).has(reason)).toBe(false)
})
