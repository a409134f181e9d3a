import net from 'node:net'
import { describe, expect, test } from 'vitest'
import type { EngineCrash } from '../../../src/api/isolation-types.js'
import type { LoadOptions, Reply } from '../../../src/index.js'
import { estimate, load } from '../../../src/index.js'
import { killAfterEach, runCli, startCli } from '../../support/cli.js'
import { eventually } from '../../support/eventually.js'
import { childrenOf, isAlive } from '../../support/isolated/served.js'
import { type StartedWorker, startWorker } from '../../support/workers/started.js'

// One model over several processes of `sluice worker`, on loopback. Between networks of their own:
// test/long/isolation/workers.test.ts.

killAfterEach()

const isLinux = process.platform === 'linux'
const quiet: LoadOptions = { kvType: 'q8_0', parallel: 2, onWarning: () => undefined }
const requests = [{ temperature: 0 }, { temperature: 1, seed: 7 }, { temperature: 0.8, seed: 8 }]

async function textsOf(options: LoadOptions): Promise<string[]> {
  const engine = await load({ ...quiet, ...options })
  const replies = requests.map((one) =>
    engine.complete('Once upon a time', { maxTokens: 48, ...one }),
  )
  const texts = await Promise.all(replies.map((reply) => reply.text()))
  await engine.close()
  return texts
}

/** The process of a worker that serves: another one than `last`. */
async function servingProcess({ cli }: StartedWorker, last?: number): Promise<number> {
  let found: number | undefined
  await eventually(() => {
    found = childrenOf(cli.child.pid as number).find((pid) => pid !== last)
    return found !== undefined
  }, 'no process serves')
  return found as number
}

/** Once it has some text. */
async function begun(reply: Reply): Promise<AsyncIterator<unknown>> {
  const parts = reply[Symbol.asyncIterator]()
  for (let part = 0; part < 5; part++) await parts.next()
  return parts
}

async function toItsEnd(parts: AsyncIterator<unknown>): Promise<void> {
  while (!(await parts.next()).done);
}

describe('a model over two workers', () => {
  test('answers the same text as alone, with its layers shared', async () => {
    const workers = [await startWorker(), await startWorker()]
    const rpc = workers.map(({ name }) => name)
    const warnings: string[] = []
    const onWarning = ({ code, message }: { code: string; message: string }) =>
      void warnings.push(`${code} ${message}`)
    const engine = await load({ ...quiet, rpc, onWarning })
    const { gpu, gpuLayers, layers, devices } = engine.placement
    expect({ gpu, isWhole: gpuLayers === layers }).toEqual({ gpu: 'rpc', isWhole: true })
    expect(devices.map(({ description }) => description)).toEqual(rpc)
    for (const { weightsBytes, kvBytes } of devices) {
      expect(weightsBytes).toBeGreaterThan(0)
      expect(kvBytes).toBeGreaterThan(0)
    }
    expect(engine.settings).toMatchObject({ rpc, isolation: 'process', gpu: 'rpc' })
    expect(warnings).toEqual([expect.stringMatching(/^WARN_TRUSTED_NETWORK .*unencrypted/)])
    await engine.close()
    expect(await textsOf({ rpc })).toEqual(await textsOf({}))
  })

  test('goes where tensorSplit and gpuLayers say', async () => {
    const rpc = [(await startWorker()).name, (await startWorker()).name]
    const { placement } = await estimate({ ...settingsOf(quiet), rpc, tensorSplit: [0, 1] })
    expect(placement.devices.map(({ description }) => description)).toEqual([rpc[1]])
    const some = await estimate({ ...settingsOf(quiet), rpc, gpuLayers: 2 })
    expect(some.placement).toMatchObject({ gpuLayers: 2, gpu: 'rpc' })
    expect(some.warnings.map(({ code }) => code)).toEqual(['WARN_TRUSTED_NETWORK'])
  })
})

/** Without the functions, which an estimate does not take. */
function settingsOf({ onWarning: _, ...options }: LoadOptions) {
  return options
}

describe.skipIf(!isLinux)('a worker that dies', () => {
  test('fails the replies that had begun, and the engine goes on once it is back', async () => {
    const worker = await startWorker()
    const crashes: EngineCrash[] = []
    const onCrash = (crash: EngineCrash) => void crashes.push(crash)
    const engine = await load({ ...quiet, rpc: [worker.name], onCrash })
    const ask = { maxTokens: 24, temperature: 0 }
    const text = await engine.complete('Once upon a time', ask).text()
    const endless = { maxTokens: 900, ignoreEos: true }
    const reply = await begun(engine.complete('Once upon a time', endless))
    const before = await servingProcess(worker)
    process.kill(before, 'SIGKILL')
    await expect(toItsEnd(reply)).rejects.toMatchObject({ code: 'ERR_ENGINE_CRASHED' })
    expect(await engine.complete('Once upon a time', ask).text()).toBe(text)
    expect(crashes).toMatchObject([{ reason: 'crashed', signal: 'SIGABRT', failed: 1 }])
    expect(engine.stats()).toMatchObject({ restartsCrashed: 1, isRestarting: false })
    await engine.close()
    const after = await servingProcess(worker, before)
    worker.cli.child.kill('SIGTERM')
    const { code, stderr } = await worker.cli.result
    expect(code).toBe(0)
    expect(stderr).toContain('was ended by SIGKILL')
    expect(isAlive(after)).toBe(false)
  })

  test('for good ends the server that needs it, with the cause', async () => {
    const worker = await startWorker()
    const args = ['--port', '0', '--rpc', worker.name, '--rpc-wait-ms', '1500']
    const server = startCli(['serve', ...args])
    const [, url] = await server.said(/Listening on (http:\S+)\. Try:/)
    expect(server.stdout).toContain(`rpc ${worker.name}: no key, no encryption`)
    const body = JSON.stringify({ prompt: 'Once', max_tokens: 8 })
    const headers = { 'content-type': 'application/json' }
    const ask = () => fetch(`${url}/v1/completions`, { method: 'POST', body, headers })
    expect((await ask()).status).toBe(200)
    worker.cli.child.kill('SIGTERM')
    await worker.cli.result
    const { status } = await ask() // waits for the worker, in vain
    expect(status).toBe(503)
    const { code, stderr } = await server.result
    expect(code).toBe(1)
    expect(stderr).toContain('(WARN_TRUSTED_NETWORK)')
    expect(stderr).toMatch(/the worker \S+ refuses the connection .* waited for 1500 ms/)
  })

  test('leaves no process behind', async () => {
    const worker = await startWorker()
    const serving = await servingProcess(worker)
    worker.cli.child.kill('SIGKILL')
    await worker.cli.result
    await eventually(() => !isAlive(serving), 'its process goes on')
  })
})

describe('a worker that cannot be used', () => {
  test('is refused at load, by name, with what to do', async () => {
    const { cli, name } = await startWorker()
    cli.child.kill('SIGTERM')
    await cli.result
    const loading = load({ ...quiet, rpc: [name] })
    await expect(loading).rejects.toMatchObject({ code: 'ERR_WORKER_UNAVAILABLE' })
    await expect(loading).rejects.toThrow(`the worker ${name} refuses the connection`)
    const { code, stderr } = await runCli(['run', 'Once', '--rpc', name])
    expect(code).toBe(1)
    expect(stderr).toContain('start it there with: sluice worker (ERR_WORKER_UNAVAILABLE)')
  })

  test('since it serves another program is refused, and served its own on', async () => {
    const rpc = [(await startWorker()).name]
    const engine = await load({ ...quiet, rpc })
    const second = load({ ...quiet, rpc })
    await expect(second).rejects.toThrow('serves one at a time')
    expect(await engine.complete('Once', { maxTokens: 4 }).text()).not.toBe('')
    await engine.close()
    await (await load({ ...quiet, rpc })).close()
  })
})

describe('sluice worker', () => {
  test('serves other machines only where the network is said to be trusted', async () => {
    const refused = await runCli(['worker', '--host', '0.0.0.0', '--port', '0'])
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('--trusted-network')
    expect(refused.stderr).toContain('run code on this machine')
    const trusted = ['worker', '--host', '0.0.0.0', '--port', '0', '--trusted-network']
    const open = startCli(trusted)
    await open.said(/serves devices at 0\.0\.0\.0:\d+/)
    await open.said(/no key and no encryption/)
    open.child.kill('SIGINT')
    expect((await open.result).code).toBe(0)
  })

  test('says where it cannot listen', async () => {
    const server = net.createServer().listen(0, '127.0.0.1')
    await eventually(() => server.listening)
    const { port } = server.address() as net.AddressInfo
    const taken = await runCli(['worker', '--port', String(port)])
    expect(taken).toMatchObject({ code: 2, stdout: '' })
    expect(taken.stderr).toContain('EADDRINUSE')
    server.close()
    for (const host of ['::1', 'localhost', '[::]']) {
      const { code, stderr } = await runCli(['worker', '--host', host])
      expect([host, code]).toEqual([host, 2])
      expect(stderr).toContain('IPv4')
    }
  })

  test.skipIf(!isLinux)('ends where its process cannot serve, with the reason', async () => {
    const { code, stdout, stderr } = await runCli(['worker', '--port', '0', '--gpu', 'metal'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/the worker's process failed: gpu 'metal' was asked for/)
  })

  test('is seen by doctor, with its memory, and is an error where it is not there', async () => {
    const { cli, name } = await startWorker()
    const found = await runCli(['doctor', '--rpc', name])
    expect(found.stdout).toMatch(/RPC0 +a device of the worker \S+, .* GiB free of .* GiB/)
    expect(found.stdout).toMatch(/^ {2}rpc +(linked in|\/)/m)
    expect(found.code).toBe(0)
    const [model] = JSON.parse(
      (await runCli(['doctor', 'models/storyteller.gguf', '--rpc', name, '--json'])).stdout,
    ).model.placement.devices
    expect(model).toMatchObject({ name: 'RPC0', description: name, backend: 'rpc' })
    cli.child.kill('SIGTERM')
    await cli.result
    const gone = await runCli(['doctor', '--rpc', name])
    expect(gone.code).toBe(1)
    expect(gone.stdout).toContain(`the worker ${name} refuses the connection`)
  })
})
