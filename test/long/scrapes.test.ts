import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { killAfterEach, startCli } from '../support/cli.js'
import { largeRandomModel } from '../support/models/random-model.js'
import { freePorts } from '../support/replicas/fleet.js'
import { longReply } from '../support/replicas/talks.js'

// What scrapes every 50 ms cost, as Kubernetes' endpoint picker makes them. docs/kubernetes.md has
// the figures.

killAfterEach()

const streams = 8
const tokens = 150
const rounds = 9

/** Tokens a second of streams that run at once. */
async function rate(url: string, seed: number): Promise<number> {
  const begun = performance.now()
  const replies = Array.from({ length: streams }, (_, i) => longReply(url, seed + i, tokens).ending)
  for (const { kind } of await Promise.all(replies)) expect(kind).toBe('whole')
  return (streams * tokens * 1000) / (performance.now() - begun)
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number
}

/** What a scrape takes of the server's processor time, where nothing else is asked. */
async function costWhenIdle(pid: number, scrape: () => Promise<void>): Promise<void> {
  if (process.platform !== 'linux') return
  const main = () => Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6
  const begun = main()
  const count = 200
  for (let i = 0; i < count; i++) await scrape()
  const each = ((main() - begun) / count).toFixed(2)
  console.log(`a scrape takes ${each} ms of JavaScript's thread`)
}

test('scrapes every 50 ms take no throughput that can be measured', async () => {
  const [port = 0, metricsPort = 0] = await freePorts(2)
  const ports = ['--port', String(port), '--metrics-port', String(metricsPort)]
  const names = ['--metrics-names', 'vllm', '--parallel', String(streams), '--context', '1024']
  const model = ['--model', largeRandomModel(), '--log-level', 'silent']
  const cli = startCli(['serve', ...ports, ...names, ...model])
  await cli.said(/Listening on http/)
  const url = `http://127.0.0.1:${port}`
  await rate(url, 0)
  let scrapes = 0
  const scrape = async () => {
    const page = await fetch(`http://127.0.0.1:${metricsPort}/metrics`)
    expect(await page.text()).toContain('vllm:num_requests_running{')
    scrapes++
  }
  const rates: { readonly alone: number[]; readonly scraped: number[] } = { alone: [], scraped: [] }
  for (let round = 1; round <= rounds; round++) {
    rates.alone.push(await rate(url, 100 * round))
    const timer = setInterval(() => void scrape(), 50)
    rates.scraped.push(await rate(url, 100 * round))
    clearInterval(timer)
  }
  const under = scrapes
  const [alone, scraped] = [middle(rates.alone), middle(rates.scraped)]
  const spread = [Math.min(...rates.alone), Math.max(...rates.alone)].map(Math.round).join(' to ')
  console.log(
    `tokens/s of ${streams} streams: ${Math.round(alone)} alone (${spread}), ` +
      `${Math.round(scraped)} with ${under} scrapes`,
  )
  await costWhenIdle(cli.child.pid as number, scrape)
  expect(under).toBeGreaterThan(rounds)
  expect(scraped / alone).toBeGreaterThan(0.9)
  cli.child.kill('SIGTERM')
  await cli.result
})
