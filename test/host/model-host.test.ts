import { afterEach, expect, test, vi } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import { load } from '../../src/engine/load.js'
import { fixedHost } from '../../src/host/fixed-host.js'
import type { Lease, ModelHost } from '../../src/host/model-host.js'
import { hostServerSettings, SluiceServer } from '../../src/http/node/server.js'
import { eventually, settle } from '../support/eventually.js'
import { FakeAddon, type FakeEngine } from '../support/fake-binding.js'
import { post, RawClient } from '../support/raw-client.js'
import {
  alsoClose,
  chat,
  chatPath,
  closeAfterEach,
  counting,
  holdToShape,
  postJson,
  stepUntil,
  story,
} from '../support/serve.js'
import { chunksOf } from '../support/sse.js'

// A server takes any host: here one of two models, which counts its leases and may make them wait.

closeAfterEach()
afterEach(() => vi.useRealTimers()) // before all is closed

interface TwoModels {
  readonly url: string
  readonly addon: FakeAddon
  readonly server: SluiceServer
  readonly client: () => Promise<RawClient>
  /** Leases that were given and not given back. */
  readonly leased: () => number
  /** Leases wait from now on, until what this returns is called. */
  readonly hold: () => () => void
  /** The signals of those that were asked for. */
  readonly asked: readonly AbortSignal[]
}

async function serveTwo(pace: 'auto' | 'manual' = 'auto'): Promise<TwoModels> {
  const script = () => ({ tokens: pace === 'auto' ? ['a', 'b'] : counting() })
  const addon = new FakeAddon({ pace, script })
  useBinding(addon)
  const engines = [await load({ model: 'tales.gguf' }), await load({ model: 'news.gguf' })]
  const onFailure = () => undefined
  const options = { aliases: [], anyModel: false, onFailure }
  const hosts = engines.map((engine) => fixedHost(engine, options))
  const hostOf = (name = '') => {
    const one = hosts.find((host) => host.entries()[0]?.names.includes(name)) ?? hosts[0]
    return one as ModelHost
  }
  let held = Promise.resolve()
  let leased = 0
  const asked: AbortSignal[] = []
  const host: ModelHost = {
    ready: Promise.resolve(),
    check: () => undefined,
    entries: () => hosts.flatMap((one) => one.entries()),
    find: (name) => hostOf(name).find(name),
    load: (name) => hostOf(name).load(name),
    unload: (name) => hostOf(name).unload(name),
    checkAdd: () => undefined,
    copy: () => undefined,
    add: () => undefined,
    remove: async () => undefined,
    keep: () => false,
    idleAt: () => undefined,
    isRestarting: false,
    numbers: () => undefined,
    loaded: () => hosts.flatMap((one) => one.loaded()),
    async lease(name, need, asker): Promise<Lease> {
      asked.push(asker.signal)
      await held
      const { model } = await hostOf(name).lease(name, need, asker)
      leased++
      return { model, release: () => void leased-- }
    },
    async close() {
      for (const one of hosts) await one.close()
    },
  }
  const server = new SluiceServer(hostServerSettings({ port: 0 }), host)
  holdToShape(server)
  const { url, port } = await server.listen()
  alsoClose(async () => {
    await server.close()
    await host.close()
  })
  const client = async () => {
    const one = await RawClient.connect(port)
    alsoClose(async () => void one.socket.destroy())
    return one
  }
  const hold = () => {
    let release!: () => void
    held = new Promise((resolve) => {
      release = resolve
    })
    return release
  }
  return { url, addon, server, client, hold, leased: () => leased, asked }
}

test('each model of a host is listed, asked by its name, and counted by it', async () => {
  const { url, addon, leased } = await serveTwo()
  const { data } = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string }[] }
  expect(data.map(({ id }) => id)).toEqual(['tales', 'default', 'news', 'default'])
  for (const model of ['tales', 'news', 'news']) {
    const response = await chat(url, story({ model, stream: false }))
    expect(await response.json()).toMatchObject({ model, choices: [{ finish_reason: 'stop' }] })
  }
  expect(addon.engines.map(({ submitted }) => submitted.length)).toEqual([1, 2])
  expect((await postJson(url, '/tokenize', { model: 'none', content: 'a' })).status).toBe(404)
  expect(await (await fetch(`${url}/v1/models/none`)).json()).toMatchObject({
    error: { code: 'model_not_found' },
  })
  await eventually(() => leased() === 0)
  const page = await (await fetch(`${url}/metrics`)).text()
  for (const [model, count] of [
    ['tales', 1],
    ['news', 2],
  ]) {
    const labels = `model_name="${model}"`
    expect(page).toContain(`sluice_requests_started_total{${labels}} ${count}\n`)
    expect(page).toContain(`sluice_num_requests_running{${labels}} 0\n`)
    expect(page).toContain(`sluice_requests_ended_total{outcome="finished",${labels}} ${count}\n`)
    expect(page).toContain(`sluice_request_prompt_tokens_count{${labels}} ${count}\n`)
    expect(page).toContain(
      `sluice_request_success_total{finished_reason="stop",${labels}} ${count}\n`,
    )
  }
})

test('a lease lasts as long as its request, and ends with a client that leaves', async () => {
  const { url, client, leased } = await serveTwo('manual')
  const raw = await client()
  raw.send(post(chatPath, story({ model: 'news' })))
  await eventually(() => leased() === 1)
  expect((await postJson(url, '/v1/embeddings', { model: 'news', input: 'a' })).status).toBe(400)
  expect(leased()).toBe(1)
  raw.reset()
  await eventually(() => leased() === 0)
})

test('a lease that comes when its client has left is given back unused', async () => {
  const { client, hold, leased, asked, addon } = await serveTwo()
  const letGo = hold()
  const raw = await client()
  raw.send(post(chatPath, story({ model: 'news' })))
  await eventually(() => asked.length === 1)
  raw.reset()
  await eventually(() => asked[0]?.aborted === true)
  letGo()
  await settle()
  expect(leased()).toBe(0)
  expect(addon.engines.flatMap(({ submitted }) => submitted)).toEqual([])
})

test('a lease lasts until the tokens of its request are counted', async () => {
  const { addon, client, leased } = await serveTwo('manual')
  const news = addon.engines[1] as FakeEngine
  const raw = await client()
  raw.send(post(chatPath, story({ model: 'news' })))
  await stepUntil(news, () => raw.text.includes('"0 "'))
  news.isFrozen = true
  // The count is waited for only a while, which does not pass here, however slow the machine is.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  raw.reset()
  await eventually(() => news.cancelled.length === 1)
  await settle()
  expect(leased()).toBe(1) // its host may not close the engine yet
  news.isFrozen = false
  await stepUntil(news, () => leased() === 0)
})

test('a drain tells each request of its own engine', async () => {
  const { addon, server, client } = await serveTwo('manual')
  const [tales, news] = addon.engines as [FakeEngine, FakeEngine]
  const raw = await client()
  raw.send(post(chatPath, story({ model: 'news' })))
  await stepUntil(news, () => raw.text.includes('"0 "'))
  tales.die()
  await settle()
  await server.drain({ deadlineMs: 1 })
  await eventually(() => raw.text.includes('"error"'))
  expect(chunksOf(raw.body).at(-1)?.error).toMatchObject({ code: 'shutting_down' })
})
