import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { childrenOf, isAlive } from '../../support/isolated/served.js'
import { largeRandomModel, randomModel } from '../../support/models/random-model.js'
import { post, RawClient } from '../../support/raw-client.js'
import { type ServerUnderTest, serve, startServe } from '../../support/reliability/server.js'
import { chatPath, postJson, story } from '../../support/serve.js'
import { textOf } from '../../support/sse.js'

// The end of a server that has much to do. Of one that has little: test/e2e/cli-serve.test.ts.

const isLinux = process.platform === 'linux'
const args = [
  '--model',
  randomModel({ weights: 'q8_0' }),
  '--kv-type',
  'q8_0',
  '--parallel',
  '3',
  '--window',
  '8',
]
const isolations = ['none', 'process'] as const

/** Ten times what two replies to their end take where nothing else runs. */
const drainMs = 15_000

const asked = (more: object) => story({ ignore_eos: true, ...more })

/** What came of it, also where its connection broke. */
async function stream({ url }: ServerUnderTest, more: object): Promise<string> {
  const response = await postJson(url, chatPath, asked(more)).catch(() => undefined)
  let said = ''
  try {
    const decoder = new TextDecoder()
    for await (const part of response?.body ?? []) said += decoder.decode(part, { stream: true })
  } catch {
    return said // the server has ended
  }
  return said
}

/** Clients in every state that a connection can be in, with two replies to their end. */
async function everyKind(served: ServerUnderTest) {
  const running = stream(served, { seed: 1, max_tokens: 1500 })
  const parked = await RawClient.connect(served.port, { reads: false })
  parked.send(post(chatPath, asked({ max_tokens: 4000 })))
  const count = (name: string) => served.metric(`num_requests_${name}`)
  await eventually(async () => (await count('parked')) === 1, 'no reply is parked')
  const endless = stream(served, { max_tokens: 8000 })
  await eventually(async () => (await count('running')) === 2)
  let isDone = false
  void running.then(() => {
    isDone = true
  })
  const queued = stream(served, { seed: 1, max_tokens: 1500 })
  const all = async () =>
    (await count('running')) + (await count('waiting')) + (await count('parked'))
  await eventually(async () => isDone || (await all()) === 4, 'the last is not taken in')
  const connected = () => RawClient.connect(served.port)
  const [idle, kept, inHeaders, inBody] = await Promise.all(Array.from({ length: 4 }, connected))
  kept?.send('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await kept?.seen('"status":"ok"')
  inHeaders?.send('POST /v1/completions HTTP/1.1\r\nHost: loc')
  inBody?.send(post(chatPath, asked({})).slice(0, -10))
  await sleep(50)
  return { running, queued, endless, parked, idle, kept, inHeaders, inBody }
}

type Kinds = Awaited<ReturnType<typeof everyKind>>

/** All that is not a reply is closed. */
async function closed({ idle, kept, inHeaders, inBody }: Kinds): Promise<void> {
  for (const client of [idle, kept, inHeaders, inBody]) await client?.closed()
}

function expectWhole(said: string): void {
  expect(said).toContain('"finish_reason":"length"')
  expect(said.endsWith('data: [DONE]\n\n')).toBe(true)
}

async function noneLeft(pids: readonly number[]): Promise<void> {
  await eventually(() => !pids.some(isAlive), 'a process of an engine is left')
}

describe.skipIf(!isLinux).each(isolations)('isolation %s: at SIGTERM', (isolation) => {
  const isolated = [...args, '--isolation', isolation]

  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s: replies run on, the rest is closed, and the deadline is the end',
    async (signal) => {
      const served = await serve([...isolated, '--drain-ms', `${drainMs}`])
      const kinds = await everyKind(served)
      const engines = served.engines()
      const start = performance.now()
      served.cli.child.kill(signal)
      expectWhole(await kinds.running)
      expectWhole(await kinds.queued)
      const whole = Math.round(performance.now() - start)
      await kinds.endless
      const { code } = await served.cli.result
      const took = Math.round(performance.now() - start)
      await closed(kinds)
      kinds.parked.read()
      await kinds.parked.closed()
      expect(code).toBe(0)
      expect(took).toBeGreaterThan(drainMs - 100) // there is a reader who takes nothing
      expect(took).toBeLessThan(drainMs + 4000)
      await noneLeft(engines)
      console.log(`shutdown, ${isolation}, ${signal}:`, { wholeAfterMs: whole, endedAfterMs: took })
    },
  )

  test('a second one ends it at once, whatever is under way', async () => {
    const served = await serve(isolated)
    const kinds = await everyKind(served)
    const engines = served.engines()
    const replies = [kinds.running, kinds.queued, kinds.endless]
    served.cli.child.kill('SIGTERM')
    await sleep(200)
    const start = performance.now()
    served.cli.child.kill('SIGTERM')
    expect((await served.cli.result).code).toBe(143)
    const took = Math.round(performance.now() - start)
    expect(took).toBeLessThan(2000)
    await Promise.all(replies)
    await closed(kinds)
    await noneLeft(engines)
    console.log(`second SIGTERM, ${isolation}:`, { endedAfterMs: took })
  })

  test('during its start it ends by the signal or with 0, and leaves nothing', async () => {
    const ends = new Map<string, number>()
    for (let round = 0; round < 16; round++) {
      const model = ['--model', largeRandomModel(), '--isolation', isolation, '--port', '0']
      const cli = startServe(model)
      await sleep(round * 150)
      const engines = childrenOf(cli.child.pid as number)
      cli.child.kill('SIGTERM')
      const { code, stderr } = await cli.result
      const end = code === null ? `${cli.child.signalCode}` : `${code}`
      expect(['SIGTERM', '0'], stderr).toContain(end)
      if (end === '0') expect(stderr).toBe('')
      ends.set(end, (ends.get(end) ?? 0) + 1)
      await noneLeft(engines)
    }
    console.log(`SIGTERM during the start, ${isolation}:`, Object.fromEntries(ends))
  })

  test('SIGHUP ends it by the signal where it has nothing to read again', async () => {
    const served = await serve(isolated)
    const kinds = await everyKind(served)
    const replies = [kinds.running, kinds.queued, kinds.endless]
    const engines = served.engines()
    served.cli.child.kill('SIGHUP')
    await served.cli.result
    expect(served.cli.child.signalCode).toBe('SIGHUP')
    await Promise.all(replies)
    await noneLeft(engines)
  })
})

describe.skipIf(!isLinux)('SIGTERM while the engine’s process is started again', () => {
  test.each([0, 20, 80, 200, 500])(
    'after %i ms: what waits is answered, and it exits with 0',
    async (ms) => {
      const served = await serve([...args, '--isolation', 'process', '--drain-ms', '10000'])
      const quiet = textOf(await stream(served, { seed: 1, max_tokens: 300 }))
      const last = await killedTwice(served)
      const waiting = stream(served, { seed: 1, max_tokens: 300 })
      await sleep(ms)
      served.cli.child.kill('SIGTERM')
      const said = await waiting
      // Before the signal it was taken in; with it, it may have been told of the end.
      if (ms > 0) expect(textOf(said)).toBe(quiet)
      else expect([quiet, '']).toContain(said.includes('shutting_down') ? '' : textOf(said))
      const { code } = await served.cli.result
      expect(code).toBe(0)
      expect(isAlive(last)).toBe(false)
    },
  )

  test('two of them end it at once', async () => {
    const served = await serve([...args, '--isolation', 'process'])
    const last = await killedTwice(served)
    const waiting = stream(served, { seed: 1 })
    await sleep(100) // until it was taken in
    served.cli.child.kill('SIGTERM')
    await sleep(20)
    served.cli.child.kill('SIGTERM')
    expect((await served.cli.result).code).toBe(143)
    await waiting
    await noneLeft([last])
  })
})

/** Its engine's last process: the second death is followed by a second without one. */
async function killedTwice(served: ServerUnderTest): Promise<number> {
  let last = 0
  for (let death = 0; death < 2; death++) {
    await eventually(() => served.engines().some((pid) => pid !== last))
    last = served.engines().find((pid) => pid !== last) as number
    process.kill(last, 'SIGKILL')
  }
  return last
}
