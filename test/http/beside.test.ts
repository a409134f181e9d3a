import { once } from 'node:events'
import net from 'node:net'
import { describe, expect, test } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import { load } from '../../src/engine/load.js'
import { weightOf } from '../../src/http/agent-line.js'
import { createServer, type ServerOptions, type SluiceServer } from '../../src/http/index.js'
import { eventually } from '../support/eventually.js'
import { FakeAddon, type FakeOptions } from '../support/fake-binding.js'
import { alsoClose, chat, closeAfterEach, counting, story } from '../support/serve.js'

// What a server listens on beside its own port.

closeAfterEach()

interface Beside {
  readonly server: SluiceServer
  readonly url: string
  readonly addon: FakeAddon
  metrics(path?: string, init?: RequestInit): Promise<Response>
  agent(): Promise<string>
}

async function serveBeside(
  options: Partial<ServerOptions> = {},
  fake: FakeOptions = {},
  beside: Partial<ServerOptions> = { metricsPort: 0, agentPort: 0 },
): Promise<Beside> {
  const addon = new FakeAddon(fake)
  useBinding(addon)
  const engine = await load({ model: 'fake.gguf', parallel: 4 })
  const server = createServer({ engine, port: 0, ...beside, ...options })
  const { url } = await server.listen()
  alsoClose(async () => {
    await server.close()
    await engine.close()
  })
  const own = server.metricsAddress()?.url
  const agentPort = server.agentAddress()?.port ?? 0
  const metrics = (path = '/metrics', init: RequestInit = {}) => fetch(own + path, init)
  return { server, url, addon, metrics, agent: () => lineFrom(agentPort) }
}

async function lineFrom(port: number): Promise<string> {
  const socket = net.connect(port, '127.0.0.1').setEncoding('utf8')
  let text = ''
  socket.on('data', (part: string) => {
    text += part
  })
  await once(socket, 'close')
  return text
}

describe('the port for metrics', () => {
  test('needs no key, and has nothing else', async () => {
    const { url, metrics } = await serveBeside({ apiKeys: ['key'] })
    expect((await fetch(`${url}/metrics`)).status).toBe(401)
    const page = await metrics()
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(await page.text()).toContain('sluice_num_requests_running{')
    const head = await metrics('/metrics?x=1', { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    for (const path of ['/', '/v1/models', '/health', '/engine', '/metrics/x']) {
      expect([path, (await metrics(path)).status]).toEqual([path, 404])
    }
    expect((await metrics('/metrics', { method: 'POST', body: 'x' })).status).toBe(405)
  })

  test('is neither counted nor logged, and tells the same as the server’s own', async () => {
    const log: unknown[] = []
    const { url, metrics } = await serveBeside({ onLog: (entry) => log.push(entry) })
    await (await chat(url, story())).text()
    const requests = async () => {
      const text = await (await metrics()).text()
      return text.split('\n').filter((line) => line.startsWith('sluice_http_requests_total{'))
    }
    expect(await requests()).toHaveLength(1)
    expect(await requests()).toHaveLength(1)
    expect(log).toHaveLength(1)
    const steady = (text: string) => {
      const lines = text.split('\n').filter((line) => line.startsWith('sluice_'))
      return lines.filter((line) => !/^sluice_(?:engine_seconds|http_)/.test(line))
    }
    const own = steady(await (await fetch(`${url}/metrics`)).text())
    expect(steady(await (await metrics()).text())).toEqual(own)
    expect(own.length).toBeGreaterThan(100)
  })

  test('counts a reply that ended since the last scrape', async () => {
    const { url, metrics } = await serveBeside()
    const replies = async () => {
      const text = await (await metrics()).text()
      return /^sluice_request_generation_tokens_count\{.*\} (\d+)$/m.exec(text)?.[1]
    }
    expect(await replies()).toBe('0')
    await (await chat(url, story())).text()
    expect(await replies()).toBe('1')
    expect(await replies()).toBe('1')
  })

  test('is for this machine’s names only, and for no page of the web', async () => {
    const { server } = await serveBeside()
    const { port } = server.metricsAddress() as { port: number }
    const asked = async (headers: string) => {
      const socket = net.connect(port, '127.0.0.1').setEncoding('utf8')
      let text = ''
      socket.on('data', (part: string) => {
        text += part
      })
      socket.write(`GET /metrics HTTP/1.1\r\n${headers}\r\nConnection: close\r\n\r\n`)
      await once(socket, 'close')
      return Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1])
    }
    expect(await asked('Host: evil.example')).toBe(403)
    expect(await asked('Host: localhost\r\nOrigin: https://evil.example')).toBe(403)
    expect(await asked('Host: localhost:9')).toBe(200)
  })

  test('that is taken is told, and nothing of the server stays open', async () => {
    const { server } = await serveBeside()
    const { port: metricsPort } = server.metricsAddress() as { port: number }
    const engine = await load({ model: 'fake.gguf' })
    alsoClose(() => engine.close())
    const second = createServer({ engine, port: 0, metricsPort })
    await expect(second.listen()).rejects.toMatchObject({ code: 'EADDRINUSE', port: metricsPort })
    expect(second.server.listening).toBe(false)
  })

  test('is not there where none was asked for', async () => {
    const { server } = await serveBeside({}, {}, {})
    expect([server.metricsAddress(), server.agentAddress()]).toEqual([undefined, undefined])
  })
})

describe('the port for agent-checks', () => {
  test('tells a share that shrinks with what there is to do', async () => {
    const fake: FakeOptions = { pace: 'manual', script: () => ({ tokens: counting() }) }
    const { url, agent, addon } = await serveBeside({}, fake)
    expect(await agent()).toBe('up 100%\n')
    for (let i = 1; i <= 4; i++) {
      void chat(url, story()).then((response) => response.body?.cancel())
      await eventually(() => addon.engine.submitted.length === i)
    }
    expect(await agent()).toBe('up 50%\n')
  })

  test.each([
    ['an idle engine', [{ parallel: 4, requests: 0 }], 100],
    ['a slot of four taken', [{ parallel: 4, requests: 1 }], 80],
    ['as many again waiting', [{ parallel: 4, requests: 8 }], 33],
    ['a long queue', [{ parallel: 1, requests: 5000 }], 1],
    [
      'two models, one busy',
      [
        { parallel: 4, requests: 4 },
        { parallel: 4, requests: 0 },
      ],
      67,
    ],
    ['no model in memory', [], 100],
  ] as const)('weighs %s', (_, loads, weight) => {
    expect(weightOf(loads)).toBe(weight)
  })

  test('says that it drains, and answers until the last reply ends, as metrics do', async () => {
    const fake: FakeOptions = { pace: 'manual', script: () => ({ tokens: counting() }) }
    const { url, server, addon, agent, metrics } = await serveBeside({}, fake)
    const reply = chat(url, story({ max_tokens: 3 })).then((response) => response.text())
    await eventually(() => addon.engine.submitted.length === 1)
    const drained = server.drain()
    expect(await agent()).toBe('stopped\n')
    expect(await (await metrics()).text()).toContain('sluice_num_requests_running{')
    await eventually(() => {
      addon.engine.step()
      return !server.server.listening
    })
    expect(await reply).toContain('[DONE]')
    await drained
    await expect(agent()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await expect(metrics()).rejects.toThrow('fetch failed')
  })

  test('ends with the server, also where one who asked stays', async () => {
    const { server } = await serveBeside()
    const { port } = server.agentAddress() as { port: number }
    const staying = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    await once(staying.resume(), 'end') // it has its line
    const gone = new Promise((resolve) => staying.on('error', resolve).on('close', resolve))
    const talking = setInterval(() => staying.write('x'), 50)
    await server.close()
    await gone
    clearInterval(talking)
  })

  test('says down while the model loads', async () => {
    const engine = new Promise<never>(() => undefined)
    const { agent } = await serveBeside({ engine })
    expect(await agent()).toBe('down\n')
  })
})
