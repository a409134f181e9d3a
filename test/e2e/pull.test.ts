import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { embeddedModel, estimate, load, PullError, pull } from '../../src/index.js'
import { type CliOptions, killAfterEach, runCli, startCli } from '../support/cli.js'
import { eventually } from '../support/eventually.js'
import { Dice } from '../support/fuzz/dice.js'
import { LoopbackHub, sha256 } from '../support/hub/loopback-hub.js'

// Pulling, with real processes, from a Hub on loopback that has the embedded model.

const model = readFileSync(embeddedModel)
const repo = 'sluice/storyteller-GGUF'
const name = `hf:${repo}:Q8_0`
const file = 'storyteller-Q8_0.gguf'
const repoFolder = 'models--sluice--storyteller-GGUF'

const hasPython = spawnSync('python3', ['-c', 'import fcntl']).status === 0

let hub: LoopbackHub
let cache: string

beforeAll(async () => {
  hub = await LoopbackHub.start()
  hub.put(repo, { 'README.md': Buffer.from('text'), [file]: model })
})
afterAll(() => hub.close())
beforeEach(() => {
  cache = mkdtempSync(path.join(tmpdir(), 'sluice-pull-'))
  hub.requests.length = 0
  hub.faults.length = 0
  hub.sentBytes = 0
  hub.cuts = 0
  hub.pace = null
})
afterEach(() => rmSync(cache, { recursive: true, force: true }))
killAfterEach()

/** So that it is under way until the test goes on: half a minute for the whole. */
const slow = { bytes: 8192, ms: 80 }

const environment = () => ({ HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: cache, HF_TOKEN: '' })
const sluice = (args: string[], { env, ...more }: CliOptions = {}) =>
  runCli(args, { env: { ...environment(), ...env }, ...more })
const blobs = () => readdirSync(path.join(cache, repoFolder, 'blobs'))

describe('sluice serve of several models', () => {
  const args = ['serve', '--port', '0', '--gpu', 'off', '--model', `tales=${name}`]
  const serving = () =>
    startCli([...args, '--model', `more=${embeddedModel}`], { env: environment() })

  test('pulls one of the Hub first, and serves it', async () => {
    const cli = serving()
    const [, url = ''] = await cli.said(/^Listening on (http:\S+?)\. Try:$/m)
    const response = await fetch(`${url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'tales', prompt: 'Once', max_tokens: 4 }),
    })
    expect(response.status).toBe(200)
    cli.child.kill('SIGTERM')
    const { code, stderr } = await cli.result
    expect(code).toBe(0)
    expect(stderr).toMatch(/^sluice: pulling hf:sluice\/storyteller-GGUF:Q8_0, 3\.0 MB$/m)
  })

  test.skipIf(process.platform === 'win32')(
    'goes on at SIGHUP while it pulls, and reads its files again once it listens',
    async () => {
      const keys = path.join(cache, 'keys')
      writeFileSync(keys, 'key-1\n')
      let goesOn = false
      hub.pace = { bytes: 8192, ms: 0, until: () => goesOn }
      const files = ['--model', `more=${embeddedModel}`, '--api-key-file', keys]
      const cli = startCli([...args, ...files], { env: environment() })
      await eventually(() => hub.sentBytes > 0, 'nothing was sent')
      writeFileSync(keys, 'key-2\n')
      cli.child.kill('SIGHUP')
      goesOn = true
      const [, url = ''] = await cli.said(/^Listening on (http:\S+?)\. Try:$/m)
      await eventually(() => cli.stderr.includes(`read ${keys} again`), cli.stderr)
      const asked = (key: string) => fetch(`${url}/v1/models`, { headers: { 'x-api-key': key } })
      expect((await asked('key-1')).status).toBe(401)
      expect((await asked('key-2')).status).toBe(200)
      cli.child.kill('SIGTERM')
      expect((await cli.result).code).toBe(0)
    },
  )

  test.skipIf(process.platform === 'win32')('ends at SIGTERM after that as well', async () => {
    const keys = path.join(cache, 'keys')
    writeFileSync(keys, 'key-1\n')
    hub.pace = { bytes: 8192, ms: 0, until: () => false }
    const { child, result } = startCli([...args, '--api-key-file', keys], { env: environment() })
    await eventually(() => hub.sentBytes > 0, 'nothing was sent')
    child.kill('SIGHUP')
    child.kill('SIGTERM')
    expect(await result).toMatchObject({ code: 0, stdout: '' })
  })

  test('ends at a signal while it pulls', async () => {
    hub.pace = { bytes: 8192, ms: 20 }
    const { child, result } = serving()
    await eventually(() => hub.sentBytes > 100_000, 'nothing was sent')
    child.kill('SIGTERM')
    const { code, stdout, stderr } = await result
    expect({ code, stdout, isFault: stderr.includes('aborted') }).toEqual({
      code: 0,
      stdout: '',
      isFault: false,
    })
  })
})

describe('sluice pull', () => {
  test('prints the path alone on stdout, and how it went on stderr', async () => {
    const { code, stdout, stderr } = await sluice(['pull', name])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^\/.*storyteller-Q8_0\.gguf\n$/)
    expect(sha256(readFileSync(stdout.trim()))).toBe(sha256(model))
    expect(stderr).toMatch(/^sluice: pulling hf:sluice\/storyteller-GGUF:Q8_0, 3\.0 MB$/m)
    expect(stderr).toMatch(/^sluice: 100% 3\.0 MB of 3\.0 MB/m)
    expect(stderr).not.toContain('\r')
    expect((await sluice(['pull', repo])).stderr).toMatch(/is there \(3\.0 MB\)/)
  })

  test('that is cut and killed twenty times at random ends with the right sum', async () => {
    const seed = Math.trunc(Math.random() * 2 ** 31)
    const dice = new Dice(seed)
    hub.pace = { bytes: 8192, ms: 1 }
    const partBytes = () => statSync(path.join(cache, repoFolder, 'blobs', blobs()[0] ?? '')).size
    let known = 0
    for (let round = 0; round < 20; round++) {
      const isCut = round % 2 === 0 // and killed once it goes on, or has come further
      const target = hub.sentBytes + dice.int(isCut ? 50_000 : 1, 110_000)
      if (isCut) hub.faults.push({ on: 'storage', cutAfter: dice.int(1, 40_000) })
      const asked = hub.fetches.length
      const { child, result } = startCli(['pull', name], { env: environment() })
      await eventually(() => hub.sentBytes >= target, `seed ${seed}`)
      child.kill('SIGKILL')
      expect({ seed, code: (await result).code }).toEqual({ seed, code: null })
      expect(blobs()).toEqual([`${sha256(model)}.incomplete`])
      expect(existsSync(path.join(cache, repoFolder, 'refs/main'))).toBe(false)
      // It went on from where the one before was killed.
      const range = known > 0 ? `bytes=${known}-` : undefined
      expect({ seed, range: hub.fetches[asked]?.headers.range }).toEqual({ seed, range })
      known = partBytes()
    }
    hub.pace = null
    const { code, stdout, stderr } = await sluice(['pull', name])
    expect({ seed, code, stderr }).toMatchObject({ code: 0 })
    expect(sha256(readFileSync(stdout.trim()))).toBe(sha256(model))
    expect(blobs()).toEqual([sha256(model)])
    expect(hub.cuts).toBeGreaterThan(9)
    expect(hub.fetches.at(-1)?.headers.range).toBe(`bytes=${known}-`)
  })

  test('of two processes at once downloads once', async () => {
    hub.pace = slow
    const running = [1, 2].map(() => startCli(['pull', name], { env: environment() }))
    let said = ''
    for (const { child } of running) child.stderr?.on('data', (part) => (said += part))
    await eventually(() => /another process downloads/.test(said), 'none waits for the other')
    hub.pace = null
    const both = await Promise.all(running.map(({ result }) => result))
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    expect(new Set(both.map(({ stdout }) => stdout)).size).toBe(1)
    expect(hub.fetches).toHaveLength(1)
  })

  test('waits for no process that was killed with the lock in its hand', async () => {
    hub.pace = slow
    const { child, result } = startCli(['pull', name], { env: environment() })
    await eventually(() => hub.sentBytes > 100_000, 'nothing was sent')
    const waiting = sluice(['pull', name])
    await eventually(() => hub.requests.filter(({ path }) => path.includes('tree')).length > 1, 'x')
    hub.pace = null
    child.kill('SIGKILL')
    await result
    expect(await waiting).toMatchObject({ code: 0 })
    expect(hub.fetches[1]?.headers.range).toMatch(/^bytes=[1-9]/)
  })

  // As huggingface_hub's lock is, by way of the filelock package.
  test.skipIf(!hasPython)('waits for a lock that a process in Python holds', async () => {
    const locks = path.join(cache, '.locks', repoFolder)
    mkdirSync(locks, { recursive: true })
    const lock = path.join(locks, `${sha256(model)}.lock`)
    const code = [
      'import fcntl, sys',
      `lock = open(${JSON.stringify(lock)}, 'a')`,
      'fcntl.flock(lock, fcntl.LOCK_EX)',
      "print('held', flush=True)",
      'sys.stdin.read()',
    ]
    const python = spawn('python3', ['-c', code.join('\n')])
    await once(python.stdout, 'data')
    const pulling = startCli(['pull', name], { env: environment() })
    await eventually(() => /another process/.test(pulling.stderr), 'it waits for nobody')
    await sleep(200) // else it would ask for the file
    expect(hub.fetches).toEqual([])
    python.stdin.end()
    expect(await pulling.result).toMatchObject({ code: 0 })
    expect(hub.fetches).toHaveLength(1)
  })

  test('by SIGINT ends with 130, and says that the next one goes on', async () => {
    hub.pace = slow
    const { child, result } = startCli(['pull', name], { env: environment() })
    await eventually(() => hub.sentBytes > 50_000, 'nothing was sent')
    child.kill('SIGINT')
    expect(await result).toMatchObject({ code: 130, stderr: expect.stringMatching(/goes on/) })
    expect(blobs()).toEqual([`${sha256(model)}.incomplete`])
  })

  test('with a wrong sum fails, and leaves nothing that could be loaded', async () => {
    hub.faults.push({ on: 'storage', garbage: true })
    const { code, stdout, stderr } = await sluice(['pull', name])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/expected the sha256 [0-9a-f]{64}.*\(ERR_PULL_FAILED\)/)
    expect(blobs()).toEqual([])
    const again = await sluice(['run', 'Hi', '--model', name], { env: { HF_HUB_OFFLINE: '1' } })
    expect(again).toMatchObject({ code: 1, stderr: expect.stringMatching(/HF_HUB_OFFLINE/) })
  })

  test('of a name that is none is a wrong command line', async () => {
    const { code, stderr } = await sluice(['pull', 'model.gguf'])
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/OWNER\/REPO/),
    })
  })
})

describe('a model of the Hub', () => {
  test('is pulled by --model, and replies; the next time nothing is asked', async () => {
    const say = ['run', 'Tell me a story', '--model', name, '--max-tokens', '20', '--seed', '1']
    const first = await sluice(say)
    expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/\w+ \w+/) })
    expect(first.stderr).toMatch(/pulling hf:sluice/)
    hub.requests.length = 0
    const second = await sluice(say)
    expect(second.stdout).toBe(first.stdout)
    expect(hub.requests).toEqual([])
  })

  describe('in a program', () => {
    const before = { ...process.env }
    beforeEach(() => {
      Object.assign(process.env, environment())
    })
    afterEach(() => {
      process.env = { ...before }
    })

    test('is pulled by load(), which tells of it, and estimated once it is there', async () => {
      await expect(estimate(name)).rejects.toMatchObject({ reason: 'not-cached' })
      const phases = new Set<string>()
      const engine = await load({ model: name, onPull: ({ phase }) => phases.add(phase) })
      const text = await engine.complete('Once upon a time', { maxTokens: 8 }).text()
      expect(text).not.toBe('')
      expect(engine.model.id).toBe('storyteller-Q8_0')
      await engine.close()
      expect([...phases]).toEqual(['found', 'downloading'])
      const { model: found } = await estimate({ model: name })
      expect(found).toMatchObject({ hasChatTemplate: true, canThink: false })
    })

    test('is pulled by pull(), whose signal ends it', async () => {
      hub.pace = { bytes: 8192, ms: 5 }
      const controller = new AbortController()
      const onProgress = ({ phase }: { phase: string }) => {
        if (phase === 'downloading') controller.abort(new Error('enough'))
      }
      await expect(pull(name, { onProgress, signal: controller.signal })).rejects.toMatchObject({
        code: 'ERR_CANCELLED',
        cause: new Error('enough'),
      })
      hub.pace = null
      expect((await pull(name)).bytes).toBe(model.length)
      await expect(pull('storyteller')).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
      await expect(pull(`${name}_K`)).rejects.toBeInstanceOf(PullError)
    })
  })
})

describe('the cache', () => {
  beforeEach(async () => {
    await sluice(['pull', name])
  })

  test('is told by sluice list, for people and for programs', async () => {
    const day = () => new Date().toISOString().slice(0, 10)
    const before = day()
    const { stdout } = await sluice(['list'])
    const told = [before, day()].map(
      (today) =>
        `${'NAME'.padEnd(31)}  QUANT  SIZE    LAST USED\n${name}  Q8_0   3.0 MB  ${today}\n`,
    )
    expect(told).toContain(stdout)
    const { models } = JSON.parse((await sluice(['list', '--json'])).stdout)
    expect(models).toMatchObject([{ name, bytes: model.length, quant: 'Q8_0' }])
    expect(statSync(models[0].path).size).toBe(model.length)
  })

  test('gives a model back by sluice rm, and a pull brings it again', async () => {
    const { code, stderr, stdout } = await sluice(['rm', name])
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toMatch(/removed hf:sluice\/storyteller-GGUF:Q8_0, 3\.0 MB freed/)
    expect(existsSync(path.join(cache, repoFolder))).toBe(false)
    expect((await sluice(['list'])).stdout).toMatch(/^No models in /)
    expect(await sluice(['rm', name])).toMatchObject({ code: 1 })
    expect(await sluice(['pull', name])).toMatchObject({ code: 0 })
  })

  test('is looked at by sluice show, as a file is', async () => {
    const { stdout } = await sluice(['show', name])
    expect(stdout).toMatch(/^architecture +llama$/m)
    expect(stdout).toMatch(/^quant +Q8_0, /m)
    expect(stdout).toMatch(/^context +1024 tokens trained$/m)
    expect(stdout).toMatch(/^chat template +chats, no tools, does not think/m)
    expect(stdout).toMatch(/^memory +\d+ MiB: weights/m)
    const report = JSON.parse((await sluice(['show', embeddedModel, '--json'])).stdout)
    expect(report).toMatchObject({ path: embeddedModel, architecture: 'llama', fits: true })
    const none = await sluice(['show', `hf:${repo}:Q4_K_M`])
    expect(none).toMatchObject({ code: 1, stderr: expect.stringMatching(/sluice pull/) })
  })

  test('is looked at by sluice doctor', async () => {
    const { stdout, code } = await sluice(['doctor', name])
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringMatching(/fits +yes/) })
  })
})
