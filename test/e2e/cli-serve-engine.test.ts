import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { killAfterEach, type RunningCli, runCli, startCli } from '../support/cli.js'
import { eventually } from '../support/eventually.js'
import { failingAddon } from '../support/failing-addon.js'
import { encoderModel } from '../support/models/encoder-model.js'
import { randomModel } from '../support/models/random-model.js'
import { post as postText, RawClient, request } from '../support/raw-client.js'

// `sluice serve` over an engine that dies, one that is slow, and one that is stuck: the addon
// fails, or takes its time, as the test says (native/llama/test/failing).

killAfterEach()

const isLinux = process.platform === 'linux'

async function up(fault: string, args: string[] = [], model = randomModel()) {
  const command = ['serve', '--port', '0', '--model', model, ...args]
  const cli = startCli(command, { env: failingAddon(fault) })
  const [, url = ''] = await cli.said(/Listening on (http:\S+)\. Try:/)
  return { cli, url }
}

function post(url: string, path: string, body: object): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
}

/** By a signal. Linux. */
function isStopped({ child }: RunningCli): boolean {
  return /^State:\s+T/m.test(readFileSync(`/proc/${child.pid}/status`, 'utf8'))
}

const story = { model: 'default', messages: [{ role: 'user', content: 'Tell me a story' }] }
const chat = (url: string, more: object = {}) =>
  post(url, '/v1/chat/completions', { ...story, max_tokens: 3, ...more })

describe.skipIf(!isLinux)('sluice serve, when its engine ends by itself', () => {
  test.each([
    ['an exception in the step loop', 'logits:2', 'ERR_ENGINE_FAILED'],
    ['no memory', 'no-memory:60', 'ERR_OUT_OF_MEMORY'],
  ])('says why and exits with an error: %s', async (_, fault, cause) => {
    const { cli, url } = await up(fault)
    const connect = () => RawClient.connect(Number(new URL(url).port))
    const clients = await Promise.all([connect(), connect()])
    for (const client of clients) client.send(request('GET', '/health'))
    for (const client of clients) await client.seen('HTTP/1.1 200')
    // Both ask in one turn of the server's: one that came later might find it ending.
    cli.child.kill('SIGSTOP')
    await eventually(() => isStopped(cli), 'it did not stop')
    for (const [i, more] of [{ max_tokens: 50 }, { max_tokens: 3, stream: true }].entries()) {
      clients[i]?.send(postText('/v1/chat/completions', { ...story, ...more }))
    }
    cli.child.kill('SIGCONT')
    for (const client of clients) await client.seen('"code":"engine_ended"')
    const { code, stderr } = await cli.result
    expect(code).toBe(1)
    const words = stderr.split('\n').filter((line) => line.startsWith('sluice: '))
    expect(words).toEqual([expect.stringContaining(`(${cause})`)])
    expect(words[0]).toMatch(/^sluice: the engine ended by itself: .*\(ERR_ENGINE_ENDED\)$/)
  })

  test('says why and exits with an error where the model embeds', async () => {
    const { cli, url } = await up('embeddings:1', [], encoderModel())
    const response = await post(url, '/v1/embeddings', { model: 'default', input: 'a' })
    expect(response.status).toBe(503)
    expect(await response.text()).toContain('engine_ended')
    const { code, stderr } = await cli.result
    expect(code).toBe(1)
    expect(stderr).toContain('ERR_ENGINE_ENDED')
  })

  test('reports a load that fails once, with an error code', async () => {
    const args = ['serve', '--port', '0', '--model', randomModel()]
    const { code, stderr } = await runCli(args, { env: failingAddon('threads:0') })
    expect(code).toBe(1)
    expect(stderr.match(/ERR_ENGINE_FAILED/g)).toHaveLength(1)
  })
})

describe.skipIf(!isLinux)('sluice serve with --engine-stall-ms 600', () => {
  const stall = ['--engine-stall-ms', '600']

  test.each([
    ['one that generates', randomModel()],
    ['one that embeds', encoderModel()],
  ])('waits for a call of seconds that goes on, of %s', async (_, model) => {
    // Some 50 nodes a call.
    const { url } = await up('slow:0:50', stall, model)
    const startedAt = performance.now()
    const embeds = model === encoderModel()
    const response = embeds
      ? await post(url, '/v1/embeddings', { model: 'default', input: 'a' })
      : await chat(url, { max_tokens: 1 })
    expect(response.status).toBe(200)
    expect(performance.now() - startedAt).toBeGreaterThan(1200)
  })

  test('waits for a draft model’s calls too', async () => {
    const { url } = await up('slow:0:30', [...stall, '--draft', randomModel(), '--draft-max', '4'])
    expect((await chat(url, { max_tokens: 4 })).status).toBe(200)
  })

  test('notices an engine that is stuck within a call, though others are prepared', async () => {
    const { url } = await up('stuck:20:600000', stall) // for longer than a test may take
    let isOver = false
    const others = (async () => {
      while (!isOver) {
        await post(url, '/tokenize', { content: 'a story' })
        await sleep(20)
      }
    })()
    const response = await chat(url)
    isOver = true
    await others
    expect(response.status).toBe(503)
    expect(await response.text()).toContain('engine_stalled')
  })
})
