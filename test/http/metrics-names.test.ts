import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.js'
import { pick, scraped } from '../support/metrics/endpoint-picker.js'
import { post } from '../support/raw-client.js'
import { chat, chatPath, closeAfterEach, counting, serve, story } from '../support/serve.js'

// GET /metrics in vLLM's names, and what the endpoint picker of Kubernetes makes of it.

closeAfterEach()

const lora = { red: '/models/red.gguf', blue: '/models/blue.gguf', off: '/models/off.gguf' }
const named = { metricsNames: 'vllm' } as const

async function textOf(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`)).text()
}

function namesIn(text: string): string[] {
  return [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name)
}

test('what the docs do not call ours has vLLM’s name, and all else keeps its own', async () => {
  const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
  const rows = page.split('\n').filter((line) => line.startsWith('| `sluice_'))
  const bare = (row: string) => /`(sluice_\w+)`/.exec(row)?.[1] ?? ''
  const vllms = rows.filter((row) => !/; ours \|$/.test(row)).map(bare)
  const [ours, theirs] = await Promise.all(
    [{}, named].map(async (server) => {
      const { url } = await serve({ engine: { lora }, server })
      await (await chat(url, story())).text()
      return namesIn(await textOf(url))
    }),
  )
  const renamed = ours?.map((name) => {
    return vllms.includes(name) ? name.replace('sluice_', 'vllm:') : name
  })
  expect(theirs).toEqual(renamed)
  expect(theirs?.filter((name) => name.startsWith('vllm:')).length).toBeGreaterThan(15)
})

describe('the adapters that are told', () => {
  test('are those of replies in slots, and those of requests that wait', async () => {
    const script = () => ({ tokens: counting() })
    const engine = { lora, parallel: 1, window: 4 }
    const { url, native, client } = await serve({ pace: 'manual', script, engine, server: named })
    const asked = ['red', 'blue', 'default']
    for (const [i, model] of asked.entries()) {
      const one = await client()
      one.send(post(chatPath, story({ model })))
      await eventually(() => native.submitted.length === i + 1)
    }
    native.step()
    const text = await textOf(url)
    const labels = /^vllm:lora_requests_info\{(.*)\} (\S+)$/m.exec(text)
    expect(labels?.[1]).toContain('max_lora="3",running_lora_adapters="red"')
    expect(labels?.[1]).toContain('waiting_lora_adapters="blue"')
    expect(Number(labels?.[2])).toBeGreaterThan(Date.now() / 1000 - 60)
  })

  test('are none of a model without adapters', async () => {
    const { url } = await serve({ server: named })
    expect(await textOf(url)).not.toMatch(/^vllm:lora_requests_info\{/m)
  })
})

describe('the endpoint picker', () => {
  test('reads what waits, what runs, the cache and the adapters', async () => {
    const script = () => ({ tokens: counting(), promptTokens: 256 })
    const engine = { lora, parallel: 1, window: 4, context: 1024 }
    const { url, native, client } = await serve({ pace: 'manual', script, engine, server: named })
    for (let i = 1; i <= 3; i++) {
      const one = await client()
      one.send(post(chatPath, story({ model: 'red' })))
      await eventually(() => native.submitted.length === i)
    }
    native.step()
    const { metrics, errors } = scraped(await textOf(url))
    expect(errors).toEqual([])
    expect(metrics).toMatchObject({
      waiting: 2,
      running: 1,
      blockSize: 16,
      blocks: 64,
      active: ['red'],
      queued: ['red'],
      adaptersMax: 3,
    })
    expect(metrics.cacheUsage).toBeCloseTo(256 / 1024, 2)
  })

  test('finds nothing under our own names', async () => {
    const { url } = await serve()
    const { errors } = scraped(await textOf(url))
    expect(errors.length).toBe(4)
  })

  test('picks the server where least waits, and the one that computes the adapter', async () => {
    const busy = 'vllm:num_requests_waiting 5\nvllm:num_requests_running 4\n'
    const free = 'vllm:num_requests_waiting 0\nvllm:num_requests_running 4\n'
    const rest =
      'vllm:kv_cache_usage_perc 0.5\nvllm:cache_config_info{block_size="16",num_gpu_blocks="9"} 1\n'
    const red = 'vllm:lora_requests_info{max_lora="1",running_lora_adapters="red"} 7\n'
    const [one, two] = [scraped(busy + rest + red).metrics, scraped(free + rest).metrics]
    expect(pick([one, two], 'default')).toBe(1)
    expect(pick([one, one, two], 'default')).toBe(2)
    expect(pick([two, scraped(free + rest + red).metrics], 'red')).toBe(1)
  })
})
