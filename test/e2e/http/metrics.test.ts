import { expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { post } from '../../support/raw-client.js'
import { chat, chatPath, closeAfterEach, postJson, story } from '../../support/serve.js'
import { serveReal } from '../../support/serve-real.js'

// Prometheus' page over the real engine and the embedded model: figures that a second way of
// counting knows.

closeAfterEach()

const model = new URL('../../../models/storyteller.gguf', import.meta.url).pathname

async function scrape(url: string): Promise<(name: string) => number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return (name) => {
    const line = text.split('\n').find((one) => one.startsWith(name) && !one.startsWith('#'))
    return Number(line?.slice(line.lastIndexOf(' ') + 1))
  }
}

test('tokens, hits of the prefix cache, times and ends are what the replies said', async () => {
  const { url, engine, quiet } = await serveReal({ model, context: 512 })
  const usages: { prompt_tokens: number; completion_tokens: number; cached: number }[] = []
  const messages = [{ role: 'user', content: 'Tell me a story about a fox. '.repeat(10) }]
  const asked = { messages, stream: false, max_tokens: 30, temperature: 0 }
  for (let i = 0; i < 3; i++) {
    const reply = (await (await chat(url, story(asked))).json()) as {
      usage: (typeof usages)[number] & { prompt_tokens_details: { cached_tokens: number } }
    }
    usages.push({ ...reply.usage, cached: reply.usage.prompt_tokens_details.cached_tokens })
  }
  await quiet()
  const sum = (key: keyof (typeof usages)[number]) =>
    usages.reduce((total, usage) => total + usage[key], 0)
  const metric = await scrape(url)
  expect(metric('sluice_prompt_tokens_total')).toBe(sum('prompt_tokens'))
  expect(metric('sluice_generation_tokens_total')).toBe(sum('completion_tokens'))
  expect(metric('sluice_prefix_cache_hits_total')).toBe(sum('cached'))
  expect(sum('cached')).toBeGreaterThan(0)
  expect(metric('sluice_request_prompt_tokens_sum')).toBe(sum('prompt_tokens'))
  expect(metric('sluice_request_generation_tokens_sum')).toBe(sum('completion_tokens'))
  expect(metric('sluice_time_to_first_token_seconds_count')).toBe(3)
  expect(metric('sluice_time_to_first_token_seconds_sum')).toBeGreaterThan(0)
  const whole = metric('sluice_e2e_request_latency_seconds_sum')
  const parts = ['queue', 'prefill', 'decode'].map((part) =>
    metric(`sluice_request_${part}_time_seconds_sum`),
  )
  expect(parts.reduce((total, part) => total + part)).toBeCloseTo(whole)
  expect(metric('sluice_num_requests_running')).toBe(0)
  expect(metric('sluice_kv_cache_usage_perc')).toBe(0)
  expect(metric('sluice_requests_ended_total{outcome="finished"')).toBe(engine.stats().finished)
})

test('running, parked and cancelled requests show as what they are', async () => {
  const { url, client, engine, quiet } = await serveReal({ model, context: 2048, window: 4 })
  const raw = await client()
  raw.send(post(chatPath, story({ ignore_eos: true, max_tokens: 2000 })))
  await eventually(() => raw.text.includes('"content"') && engine.stats().cellsUsed > 0)
  const running = await scrape(url)
  const places = ['running', 'parked'].map((one) => running(`sluice_num_requests_${one}`))
  expect(places.reduce((total, one) => total + one)).toBe(1)
  expect(running('sluice_kv_cache_usage_perc')).toBeGreaterThan(0)
  raw.reset()
  await quiet()
  const after = await scrape(url)
  const cancelled = ['queued', 'prefill', 'decode', 'parked'].map((phase) =>
    after(`sluice_requests_cancelled_total{phase="${phase}"`),
  )
  expect(cancelled.slice(0, 2)).toEqual([0, 0])
  expect(cancelled.reduce((total, one) => total + one)).toBe(1)
})

test('each choice of each prompt is counted by itself', async () => {
  const { url, quiet } = await serveReal({ model, context: 512 })
  const body = {
    model: 'default',
    prompt: ['Once', 'A fox'],
    n: 2,
    max_tokens: 5,
    ignore_eos: true,
  }
  expect((await postJson(url, '/v1/completions', body)).status).toBe(200)
  await quiet()
  const metric = await scrape(url)
  expect(metric('sluice_request_success_total{finished_reason="length"')).toBe(4)
  expect(metric('sluice_request_generation_tokens_sum')).toBe(20)
  expect(metric('sluice_request_prompt_tokens_count')).toBe(2)
  expect(metric('sluice_requests_started_total')).toBe(4)
})
