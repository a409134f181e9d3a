import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI, { type APIError } from 'openai'
import { afterEach, describe, expect, test } from 'vitest'
import { killAfterEach } from '../support/cli.js'
import { childrenOf } from '../support/isolated/served.js'
import {
  type Balancer,
  type BalancerName,
  type Haproxy,
  missing,
  startHaproxy,
  startNginx,
} from '../support/replicas/balancers.js'
import {
  agentLineOf,
  idle,
  numberOf,
  type Replica,
  startReplica,
  startReplicas,
  stopped,
  sumOf,
} from '../support/replicas/fleet.js'
import { type Ending, longReply, type Mark, talk } from '../support/replicas/talks.js'

// Real replicas behind balancers of Debian, with the files of deploy/. Figures are in
// docs/replicas.md.

killAfterEach()

const balancers: Balancer[] = []
afterEach(async () => {
  for (const balancer of balancers.splice(0)) await balancer.stop()
})

const start = { haproxy: startHaproxy, nginx: startNginx }

async function inFront(name: BalancerName, replicas: readonly Replica[]): Promise<string> {
  const balancer = await start[name](replicas)
  balancers.push(balancer)
  return balancer.url
}

const everyReply = ['--threads', '1', '--parallel', '8']
const system = 'You tell stories to children, in simple words.'
const marks: [string, (seed: number) => Mark][] = [
  ['x-conversation-id', (seed) => ({ headers: { 'x-conversation-id': `talk ${seed}` } })],
  ['prompt_cache_key', (seed) => ({ fields: { prompt_cache_key: `talk ${seed}` }, system })],
  ['user', (seed) => ({ fields: { user: `talk ${seed}` }, system })],
  ['its first message', () => ({})],
  ['its first messages, after the system’s', () => ({ system })],
]

describe.each<BalancerName>(['haproxy', 'nginx'])('three replicas behind %s', (name) => {
  const words = missing(name)
  const run = words === '' ? test : test.skip
  const title = (sentence: string) => `${sentence}${words && ` (${words})`}`

  run(title('a conversation stays with one replica, told by any of its marks'), async () => {
    const replicas = await startReplicas(3, everyReply)
    const url = await inFront(name, replicas)
    for (const [mark, of] of marks) {
      const used = new Set<number>()
      for (let seed = 0; seed < 12; seed++) {
        const before = await Promise.all(replicas.map((one) => numberOf(one, started)))
        await talk(url, seed, 3, of(seed))
        const after = await Promise.all(replicas.map((one) => numberOf(one, started)))
        const taken = after.map((count, i) => count - (before[i] ?? 0))
        expect([mark, taken.toSorted()]).toEqual([mark, [0, 0, 3]])
        used.add(taken.indexOf(3))
      }
      // A hash may leave one of three without any of twelve: affinity.test.ts asks for more.
      expect(used.size, mark).toBeGreaterThanOrEqual(name === 'haproxy' ? 3 : 2)
    }
    await stopped(replicas)
  })

  run(title('a killed replica takes its own streams with it, and no other reply'), async () => {
    const replicas = await startReplicas(3, everyReply)
    const url = await inFront(name, replicas)
    const streams = seeds(18).map((seed) => longReply(url, seed, 700))
    const wholes = seeds(6).map((seed) => longReply(url, 100 + seed, 700, false))
    await Promise.all(streams.map(({ begun }) => begun))
    const [victim, ...others] = replicas as [Replica, ...Replica[]]
    const counts = await Promise.all(replicas.map((one) => numberOf(one, started)))
    victim.cli.child.kill('SIGKILL')
    const news = seeds(12).map((seed) => longReply(url, 200 + seed, 8))
    const [ofStreams, ofWholes, ofNews] = await Promise.all(
      [streams, wholes, news].map((all) => Promise.all(all.map(({ ending }) => ending))),
    )
    const cut = kinds(ofStreams).cut ?? 0
    report(name, `killed with ${counts[0]} replies: ${JSON.stringify(kinds(ofStreams))}`)
    // What is no stream is made again by another replica: nothing of it had been sent.
    expect(kinds(ofWholes)).toEqual({ whole: 6 })
    expect(kinds(ofNews)).toEqual({ whole: 12 })
    expect(kinds(ofStreams)).toEqual({ whole: 18 - cut, cut })
    expect(cut).toBeGreaterThan(0)
    expect(cut).toBeLessThanOrEqual(counts[0] ?? 0)
    await idle(others)
    await stopped(others)
  })

  run(
    title('an engine’s process that dies ends its streams with an error of the protocol'),
    async () => {
      const replicas = await startReplicas(3, [...everyReply, '--isolation', 'process'])
      const url = await inFront(name, replicas)
      const streams = seeds(18).map((seed) => longReply(url, seed, 700))
      await Promise.all(streams.map(({ begun }) => begun))
      const [victim] = replicas as [Replica]
      const [engine] = childrenOf(victim.cli.child.pid as number)
      process.kill(engine as number, 'SIGKILL')
      const endings = await Promise.all(streams.map(({ ending }) => ending))
      report(name, `an engine's process was killed: ${JSON.stringify(kinds(endings))}`)
      const codes = endings.flatMap((one) => (one.kind === 'error' ? [one.code] : []))
      expect(kinds(endings)).toEqual({ whole: 18 - codes.length, error: codes.length })
      expect([...new Set(codes)]).toEqual(['engine_crashed'])
      await stopped(replicas)
    },
  )

  run(title('a client of OpenAI’s sees a cut stream as an error'), async () => {
    const replicas = await startReplicas(1, everyReply)
    const url = await inFront(name, replicas)
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 })
    const messages = [{ role: 'user' as const, content: 'Tell me a story' }]
    const asked = { model: 'default', messages, max_tokens: 900, ignore_eos: true }
    const read = async () => {
      let parts = 0
      const stream = await client.chat.completions.create({ ...asked, stream: true })
      for await (const _ of stream) if (parts++ === 10) replicas[0]?.cli.child.kill('SIGKILL')
    }
    const error: unknown = await read().then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(Error)
    const { name: kind, message, cause } = error as Error
    report(name, `a cut stream is ${kind}: ${message} (${String(cause)})`)
    // No replica is left: an answer in the protocol's shape, or nginx's own page.
    const next = await client.chat.completions.create(asked).catch((thrown: unknown) => thrown)
    expect(next).toBeInstanceOf(OpenAI.InternalServerError)
    if (name === 'haproxy') {
      expect((next as APIError).code).toMatch(/^(?:no_replica|replica_lost)$/)
    }
  })

  run(title('one replica after the other is drained under load, without an error'), async () => {
    let replicas = await startReplicas(3, everyReply)
    const url = await inFront(name, replicas)
    let isOver = false
    const load = seeds(9).map(async (seed) => {
      const all: Ending[] = []
      for (let i = 0; !isOver; i++) {
        // Some conversations go on, and some begin.
        const own = i % 2 === 0 ? seed : 1000 + seed + 100 * i
        all.push(await longReply(url, own, 60, i % 3 !== 0).ending)
      }
      return all
    })
    for (let i = 0; i < 3; i++) {
      await sleep(1500)
      const old = replicas[i] as Replica
      old.cli.child.kill('SIGTERM')
      expect((await old.cli.result).code).toBe(0)
      const fresh = await startReplica(everyReply, old)
      replicas = replicas.with(i, fresh)
      await sleep(name === 'nginx' ? 6000 : 2500) // until the balancer has seen it
      expect(await numberOf(fresh, started)).toBeGreaterThan(0)
    }
    isOver = true
    const endings = (await Promise.all(load)).flat()
    report(name, `three drains: ${JSON.stringify(kinds(endings))}`)
    expect(kinds(endings)).toEqual({ whole: endings.length })
    await stopped(replicas)
  })
})

describe.skipIf(missing('haproxy') !== '')('three replicas behind haproxy, by measure', () => {
  // What a replica keeps is for its own third of the conversations, or for all of them.
  test.each([
    { memory: 'slots alone', args: ['--cache-mib', '0'], times: 2 },
    { memory: 'room for all', args: [], times: 1.2 },
  ])('conversations have more cached tokens than round robin: $memory', async (way) => {
    const { memory, args, times } = way
    const shares: number[] = []
    for (const change of [(config: string) => config, roundRobin]) {
      const replicas = await startReplicas(3, [...everyReply, ...args])
      const balancer = await startHaproxy(replicas, change)
      balancers.push(balancer)
      const talks = seeds(18).map((seed) => talk(balancer.url, seed, 6))
      const all = await Promise.all(talks)
      const cached = all.reduce((sum, one) => sum + one.cachedTokens, 0)
      const prompt = all.reduce((sum, one) => sum + one.promptTokens, 0)
      expect(await sumOf(replicas, 'prefix_cache_hits_total')).toBe(cached)
      report('haproxy', `${memory}: ${cached} of ${prompt} prompt tokens were cached`)
      shares.push(cached / prompt)
      await stopped(replicas)
    }
    const [stays = 0, robin = 1] = shares
    expect(stays / robin).toBeGreaterThan(times)
  })

  test('three replicas give through it what they give when asked directly', async () => {
    const replicas = await startReplicas(3, everyReply)
    const balancer = await startHaproxy(replicas)
    balancers.push(balancer)
    const direct = replicas.map(({ url }) => url)
    const rates: Record<string, number[]> = { one: [], three: [], haproxy: [] }
    const ways: [string, readonly string[]][] = [
      ['one', direct.slice(0, 1)],
      ['three', direct],
      ['haproxy', [balancer.url]],
    ]
    let seed = 1000 // no prompt comes twice, or it would be there already
    for (let round = 0; round < 5; round++) {
      for (const [way, urls] of ways) {
        rates[way]?.push(await rate(urls, seed))
        seed += 100
      }
    }
    const best = Object.entries(rates).map(([way, all]) => [way, Math.round(Math.max(...all))])
    const { one = 0, three = 0, haproxy = 0 } = Object.fromEntries(best)
    report('haproxy', `tokens/s of 24 streams: one ${one}, three ${three}, through it ${haproxy}`)
    expect(haproxy).toBeGreaterThan(0.7 * three)
    await stopped(replicas)
  })

  test('a replica that drains says so, and has no new requests', async () => {
    const replicas = await startReplicas(3, everyReply)
    const balancer = await startHaproxy(replicas)
    balancers.push(balancer)
    const [first] = replicas as [Replica]
    expect(await agentLineOf(first)).toBe('up 100%\n')
    const mine = await talkOf(first, balancer.url)
    const own = seeds(8).map((seed) => longReply(first.url, seed, 900))
    await Promise.all(own.map(({ begun }) => begun))
    expect(await agentLineOf(first)).toBe('up 50%\n')
    await heard(balancer, /^replicas,one,.*,UP,50,/m)
    first.cli.child.kill('SIGTERM')
    await heard(balancer, /^replicas,one,.*,DOWN \(agent\),/m)
    expect(await agentLineOf(first)).toBe('stopped\n')
    // HAProxy cannot ask another replica when it no longer has the whole of a request.
    expect(await asked(balancer.url, mine, 200_000)).toBe(200)
    const before = await numberOf(first, started)
    const news = seeds(12).map((seed) => longReply(balancer.url, 300 + seed, 8).ending)
    expect(kinds(await Promise.all(news))).toEqual({ whole: 12 })
    expect(await numberOf(first, started)).toBe(before)
    expect(kinds(await Promise.all(own.map(({ ending }) => ending)))).toEqual({ whole: 8 })
    await stopped(replicas)
  })

  test('a replica in maint has no new requests, and ends its streams', async () => {
    const replicas = await startReplicas(3, everyReply)
    const balancer = await startHaproxy(replicas)
    balancers.push(balancer)
    const [first, ...others] = replicas as [Replica, ...Replica[]]
    const mine = await talkOf(first, balancer.url)
    const streams = seeds(9).map((seed) => longReply(balancer.url, seed, 700))
    await Promise.all(streams.map(({ begun }) => begun))
    const before = await numberOf(first, started)
    await balancer.control('set server replicas/one state maint')
    await heard(balancer, /^replicas,one,.*,MAINT,/m)
    for (const _ of seeds(20)) expect(await asked(balancer.url, mine, 200_000)).toBe(200)
    expect(await numberOf(first, started)).toBe(before)
    expect(kinds(await Promise.all(streams.map(({ ending }) => ending)))).toEqual({ whole: 9 })
    await stopped([first])
    expect(await asked(balancer.url, mine, 200_000)).toBe(200)
    const fresh = await startReplica(everyReply, first)
    await balancer.control('set server replicas/one state ready')
    await heard(balancer, /^replicas,one,.*,UP,/m)
    for (const seed of seeds(12)) expect(await asked(balancer.url, `new ${seed}`, 0)).toBe(200)
    expect(await numberOf(fresh, started)).toBeGreaterThan(0)
    await stopped([fresh, ...others])
  })
})

/** A request of a conversation, with so many spaces after its JSON. */
async function asked(url: string, name: string, spaces: number): Promise<number> {
  const messages = [{ role: 'user', content: 'Hello' }]
  const body = { model: 'default', prompt_cache_key: name, messages, max_tokens: 4 }
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body) + ' '.repeat(spaces),
  })
  await response.text()
  return response.status
}

/** A conversation that the balancer has given to this replica. */
async function talkOf(replica: Replica, url: string): Promise<string> {
  for (let i = 0; i < 100; i++) {
    const before = await numberOf(replica, started)
    expect(await asked(url, `talk ${i}`, 0)).toBe(200)
    if ((await numberOf(replica, started)) > before) return `talk ${i}`
  }
  throw new Error('of 100 conversations none is of this replica')
}

/** Until HAProxy's own numbers say so. */
async function heard(balancer: Haproxy, pattern: RegExp): Promise<void> {
  let stat = ''
  for (let i = 0; i < 100; i++) {
    stat = await balancer.control('show stat')
    if (pattern.test(stat)) return
    await sleep(20)
  }
  throw new Error(`HAProxy never said ${pattern}: ${stat}`)
}

const started = 'requests_started_total'

const seeds = (count: number) => Array.from({ length: count }, (_, seed) => seed)

/** How many ended how. */
function kinds(endings: readonly Ending[] = []): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { kind } of endings) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

/** Tokens a second of 24 streams of 400 tokens, of which each server has its share. */
async function rate(urls: readonly string[], seed: number): Promise<number> {
  const tokens = 400
  const begun = performance.now()
  const all = await Promise.all(
    seeds(24).map((one) => {
      return longReply(urls[one % urls.length] as string, seed + one, tokens).ending
    }),
  )
  expect(kinds(all)).toEqual({ whole: 24 })
  return (24 * tokens * 1000) / (performance.now() - begun)
}

/** As a balancer does that knows nothing of conversations. */
function roundRobin(config: string): string {
  return config.replace('balance leastconn', 'balance roundrobin').replace(/^\s*stick on .*$/m, '')
}

function report(name: string, what: string): void {
  console.log(`${name}: ${what}`)
}
