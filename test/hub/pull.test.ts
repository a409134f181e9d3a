import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { PullError } from '../../src/api/errors.js'
import type { PullProgress } from '../../src/api/pull-types.js'
import { binding } from '../../src/binding/binding.js'
import { pullModel } from '../../src/hub/pull.js'
import type { HubSettings } from '../../src/hub/settings.js'
import { type HubName, parseHubName } from '../../src/options/hub-name.js'
import { eventually } from '../support/eventually.js'
import { LoopbackHub, sha256 } from '../support/hub/loopback-hub.js'

// What a pull does with whatever a Hub on loopback answers. Waits are short here, but for answers:
// a busy machine may be late with them.

const data = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i) % 251))
const timing = {
  backoffMs: 2,
  backoffMsMax: 10,
  limitMsMax: 2100,
  lockPollMs: 5,
  silenceMs: 60_000,
}
const repo = 'ada/lovelace-GGUF'
const file = 'lovelace-Q4_K_M.gguf'

let hub: LoopbackHub
let cache: string
let told: PullProgress[]

beforeAll(async () => {
  hub = await LoopbackHub.start()
})
afterAll(() => hub.close())
beforeEach(() => {
  cache = mkdtempSync(path.join(tmpdir(), 'sluice-hub-'))
  told = []
  hub.repos.clear()
  hub.faults.length = 0
  hub.requests.length = 0
  hub.linkedSums.clear()
  hub.sentBytes = 0
  hub.pace = null
})
afterEach(() => rmSync(cache, { recursive: true, force: true }))

function pulled(
  name: string,
  settings: Partial<HubSettings> = {},
  signal = new AbortController().signal,
) {
  const whole = { endpoint: hub.endpoint, token: undefined, cache, isOffline: false, ...settings }
  const tell = (progress: PullProgress) => told.push(progress)
  const { lockFile } = binding()
  const context = { settings: whole, lockFile, tell, signal, timing }
  return pullModel(parseHubName(name) as HubName, context)
}

async function refusal(promise: Promise<unknown>): Promise<PullError> {
  const error: unknown = await promise.then(
    () => 'nothing was refused',
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(PullError)
  return error as PullError
}

const repoFolder = () => path.join(cache, 'models--ada--lovelace-GGUF')
const blobs = () => readdirSync(path.join(repoFolder(), 'blobs'))
const downloading = () => told.flatMap((one) => (one.phase === 'downloading' ? [one] : []))
const messages = () => told.flatMap((one) => ('message' in one ? [one.message] : []))

describe('a pull', () => {
  test("lays a file out as the Hub's own client does", async () => {
    const commit = hub.put(repo, { [file]: data, 'README.md': Buffer.from('text') })
    const result = await pulled(`hf:${repo}:q4_k_m`)
    const sum = sha256(data)
    expect(result).toMatchObject({
      name: `hf:${repo}:Q4_K_M`,
      path: path.join(repoFolder(), 'snapshots', commit, file),
      bytes: data.length,
      downloadedBytes: data.length,
      revision: commit,
    })
    expect(blobs()).toEqual([sum])
    expect(readFileSync(path.join(repoFolder(), 'refs/main'), 'utf8')).toBe(commit)
    expect(readlinkSync(result.path)).toBe(path.join('..', '..', 'blobs', sum))
    expect(existsSync(path.join(cache, '.locks/models--ada--lovelace-GGUF', `${sum}.lock`))).toBe(
      true,
    )
    expect(sha256(readFileSync(result.path))).toBe(sum)
  })

  test('takes no byte again of what is there', async () => {
    hub.put(repo, { [file]: data })
    await pulled(`hf:${repo}`)
    const again = await pulled(`hf:${repo}`)
    expect(again.downloadedBytes).toBe(0)
    expect(hub.fetches).toHaveLength(1)
    expect(told.findLast(({ phase }) => phase === 'found')).toMatchObject({ missingBytes: 0 })
  })

  test('of a new commit takes a file that is the same from the cache', async () => {
    hub.put(repo, { [file]: data })
    await pulled(`hf:${repo}`)
    const commit = hub.put(repo, { [file]: data, 'README.md': Buffer.from('new') })
    const result = await pulled(`hf:${repo}`)
    expect(result).toMatchObject({ downloadedBytes: 0, revision: commit })
    expect(lstatSync(result.path).isSymbolicLink()).toBe(true)
  })

  test('brings all files of a split model, and names the first', async () => {
    const parts = ['00001', '00002', '00003'].map((part) => `Q8_0/big-Q8_0-${part}-of-00003.gguf`)
    hub.put(repo, Object.fromEntries(parts.map((part, i) => [part, data.subarray(i * 1000)])))
    const { files, path: first, bytes } = await pulled(`hf:${repo}:Q8_0`)
    expect(files.map((name) => name.split(`${path.sep}Q8_0${path.sep}`)[1])).toEqual(
      parts.map((part) => part.slice(5)),
    )
    expect(first).toBe(files[0])
    expect(bytes).toBe(3 * data.length - 3000)
  })

  test('names the first file of a split model, in whatever order the Hub lists them', async () => {
    const parts = ['00002', '00001'].map((part) => `big-Q8_0-${part}-of-00002.gguf`)
    hub.put(repo, Object.fromEntries(parts.map((part, i) => [part, data.subarray(i * 1000)])))
    const { files, path: first } = await pulled(`hf:${repo}`)
    expect(files.map((place) => path.basename(place))).toEqual([...parts].reverse())
    expect(path.basename(first)).toBe(parts[1])
  })

  test('brings a model that is there whole and in parts, either way by its file', async () => {
    const parts = ['00001', '00002'].map((part) => `big-Q8_0-${part}-of-00002.gguf`)
    const all = [...parts, 'big-Q8_0.gguf']
    hub.put(repo, Object.fromEntries(all.map((one, i) => [one, data.subarray(i * 1000)])))
    const whole = await pulled(`hf:${repo}/big-Q8_0.gguf`)
    const split = await pulled(`hf:${repo}/${parts[0]}`)
    expect(whole.files.map((place) => path.basename(place))).toEqual(['big-Q8_0.gguf'])
    expect(split.files.map((place) => path.basename(place))).toEqual(parts)
  })

  test('tells how far it is, and ends at the whole', async () => {
    hub.put(repo, { [file]: data })
    // Longer than between two times that it tells, and from when it has told of the piece before.
    const piece = 100_000
    hub.pace = { bytes: piece, ms: 120, until: () => downloading().length >= hub.sentBytes / piece }
    await pulled(`hf:${repo}`)
    const bytes = downloading()
    expect(bytes.length).toBeGreaterThan(2)
    expect(bytes.at(-1)).toMatchObject({
      bytes: data.length,
      totalBytes: data.length,
      secondsLeft: 0,
    })
    expect(bytes[1]?.bytesPerSecond).toBeGreaterThan(0)
  })

  test('tells of a file for images, and leaves it', async () => {
    hub.put(repo, { [file]: data, 'mmproj-F16.gguf': data.subarray(9) })
    const { notes } = await pulled(`hf:${repo}`)
    expect(notes.join()).toMatch(/mmproj-F16\.gguf, for images/)
    expect(blobs()).toHaveLength(1)
  })

  test('checks a small file by the sum that git has of it', async () => {
    hub.put(repo, { 'tiny-Q8_0.GGUF': Buffer.from('GGUF') })
    const { path: place } = await pulled(`hf:${repo}:Q8_0`)
    expect(readFileSync(place, 'utf8')).toBe('GGUF')
    expect(blobs()[0]).toHaveLength(40)
  })
})

describe('the token', () => {
  test('goes to the Hub and to no other host', async () => {
    hub.put(repo, { [file]: data }, { token: 'hf_secret' })
    await pulled(`hf:${repo}`, { token: 'hf_secret' })
    const [own, others] = ['hub', 'storage'].map((host) =>
      hub.requests.filter((one) => one.host === host),
    )
    expect(own?.every(({ headers }) => headers.authorization === 'Bearer hf_secret')).toBe(true)
    expect(others).toHaveLength(1)
    expect(others?.[0]?.headers.authorization).toBeUndefined()
  })

  test.each([
    ['a repository that is not there', {}, 'none/such', 'repo-not-found', /HF_TOKEN/],
    ['a private one without a token', { token: 'hf_right' }, repo, 'repo-not-found', /private/],
    ['a gated one', { isGated: true }, repo, 'gated', /terms at http:.*HF_TOKEN/],
  ])('is asked for where it may be missing: %s', async (_, more, asked, reason, words) => {
    hub.put(repo, { [file]: data }, more)
    const error = await refusal(pulled(`hf:${asked}`))
    expect(error).toMatchObject({ code: 'ERR_PULL_FAILED', reason })
    expect(error.message).toMatch(words)
  })

  test('that the Hub refuses is named', async () => {
    hub.put(repo, { [file]: data })
    hub.faults.push({ on: 'refs', status: 401 })
    const error = await refusal(pulled(`hf:${repo}`, { token: 'hf_old' }))
    expect(error).toMatchObject({
      reason: 'unauthorized',
      message: expect.stringMatching(/HF_TOKEN/),
    })
    expect(error.message).not.toContain('hf_old')
  })
})

describe('a redirect', () => {
  test.each([
    ['to itself', () => `${hub.endpoint}/${repo}/resolve/x`, 11, /more than 10 times/],
    ['to what is no web address', () => 'file:///etc/hosts', 1, /expected an https address/],
    ['to nowhere', () => undefined, 1, /expected an https address/],
  ])('%s is refused', async (_, place, times, words) => {
    hub.put(repo, { [file]: data })
    const location = place()
    const headers: Record<string, string> = location === undefined ? {} : { Location: location }
    for (let i = 0; i < times; i++) hub.faults.push({ on: 'resolve', status: 302, headers })
    const error = await refusal(pulled(`hf:${repo}`))
    expect(error).toMatchObject({ reason: 'bad-answer', message: expect.stringMatching(words) })
  })
})

describe('what is not there', () => {
  test.each([
    [`hf:${repo}:Q2_K`, 'quant-not-found', ['Q4_K_M', 'Q8_0']],
    [`hf:${repo}/other.gguf`, 'file-not-found', [file, 'lovelace-Q8_0.gguf']],
    [`hf:${repo}@v2`, 'revision-not-found', ['main']],
  ])('of %s is told with what is', async (name, reason, available) => {
    hub.put(repo, { [file]: data, 'lovelace-Q8_0.gguf': data })
    const error = await refusal(pulled(name))
    expect(error).toMatchObject({ reason, available })
    for (const one of available) expect(error.message).toContain(one)
  })

  test('is a model, where a repository has no GGUF file', async () => {
    hub.put(repo, { 'README.md': data })
    expect(await refusal(pulled(`hf:${repo}`))).toMatchObject({ reason: 'file-not-found' })
  })

  test('is a path that would leave the cache', async () => {
    hub.put(repo, { '../../evil-Q8_0.gguf': data, 'a\\b-Q8_0.gguf': data, [file]: data })
    expect(await refusal(pulled(`hf:${repo}:Q8_0`))).toMatchObject({ available: ['Q4_K_M'] })
    expect(hub.fetches).toEqual([])
  })

  test('is a part of a split model', async () => {
    hub.put(repo, { 'a-Q8_0-00001-of-00002.gguf': data })
    expect((await refusal(pulled(`hf:${repo}`))).message).toMatch(/1 files of a-Q8_0.*not all/)
  })
})

describe('a connection that breaks', () => {
  test('goes on by Range and If-Range from where it was', async () => {
    hub.put(repo, { [file]: data })
    hub.faults.push({ on: 'storage', cutAfter: 100_000 }, { on: 'storage', cutAfter: 50_000 })
    const { path: place } = await pulled(`hf:${repo}`)
    expect(sha256(readFileSync(place))).toBe(sha256(data))
    const starts = hub.fetches.map(({ headers }) => Number(headers.range?.match(/\d+/)?.[0] ?? 0))
    expect(starts).toHaveLength(3)
    expect(starts[1]).toBeGreaterThan(0)
    expect(starts[2]).toBeGreaterThan(starts[1] ?? 0)
    expect(hub.fetches[1]?.headers['if-range']).toMatch(/^"storage-/)
    expect(hub.fetches.map(({ status }) => status)).toEqual([200, 206, 206])
  })

  test('begins anew where the other side has no Range', async () => {
    hub.put(repo, { [file]: data })
    hub.faults.push({ on: 'storage', cutAfter: 100_000 }, { on: 'storage', ignoresRange: true })
    const { path: place, downloadedBytes } = await pulled(`hf:${repo}`)
    expect(sha256(readFileSync(place))).toBe(sha256(data))
    expect(downloadedBytes).toBeGreaterThan(data.length)
    expect(told.at(-1)).toMatchObject({ bytes: data.length })
  })

  test('is given up where it breaks at the same byte each time', async () => {
    hub.put(repo, { [file]: data })
    for (let i = 0; i < 20; i++) hub.faults.push({ on: 'storage', cutAfter: 0 })
    const error = await refusal(pulled(`hf:${repo}`))
    expect(error).toMatchObject({ reason: 'unreachable' })
    expect(hub.fetches).toHaveLength(6)
  })

  test('is given up where each try begins anew and comes no further', async () => {
    hub.put(repo, { [file]: data })
    const fault = { on: 'storage' as const, cutAfter: 50_000, ignoresRange: true }
    for (let i = 0; i < 20; i++) hub.faults.push(fault)
    expect(await refusal(pulled(`hf:${repo}`))).toMatchObject({ reason: 'unreachable' })
    expect(hub.fetches.length).toBeLessThan(12)
  })

  test.each(['refs', 'tree', 'resolve', 'storage'] as const)(
    'is tried again after a 503 of %s',
    async (on) => {
      hub.put(repo, { [file]: data })
      hub.faults.push({ on, status: 503 }, { on, status: 500 })
      await pulled(`hf:${repo}`)
      expect(told.filter(({ phase }) => phase === 'waiting')).toHaveLength(2)
    },
  )

  test('is closed where nothing comes', async () => {
    hub.put(repo, { [file]: data })
    hub.faults.push({ on: 'storage', silent: true })
    const whole = { endpoint: hub.endpoint, token: undefined, cache, isOffline: false }
    const context = {
      settings: whole,
      lockFile: binding().lockFile,
      tell: (one: PullProgress) => told.push(one),
      signal: new AbortController().signal,
      timing: { ...timing, silenceMs: 1000 },
    }
    await pullModel(parseHubName(`hf:${repo}`) as HubName, context)
    expect(messages().join()).toMatch(/nothing came for/)
  })
})

describe('a limit of the Hub', () => {
  test.each([
    ['RateLimit', { RateLimit: '"resolvers";r=0;t=1' }, 2000],
    ['Retry-After', { 'Retry-After': '1' }, 1000],
  ])('is waited for as %s says, and told', async (_, headers, ms) => {
    hub.put(repo, { [file]: data })
    hub.faults.push({ on: 'resolve', status: 429, headers })
    await pulled(`hf:${repo}`)
    const waits = told.filter(({ phase }) => phase === 'waiting')
    expect(waits).toMatchObject([{ reason: 'rate-limit', ms }])
  })

  test('that is longer than a pull waits is an error', async () => {
    hub.put(repo, { [file]: data })
    const headers = { RateLimit: '"api";r=0;t=290' }
    hub.faults.push({ on: 'refs', status: 429, headers })
    const error = await refusal(pulled(`hf:${repo}`))
    expect(error).toMatchObject({ reason: 'rate-limited', message: expect.stringMatching(/291 s/) })
  })
})

describe('a wrong sum', () => {
  test('is refused, and nothing is left of what came', async () => {
    hub.put(repo, { [file]: data })
    hub.faults.push({ on: 'storage', garbage: true })
    const error = await refusal(pulled(`hf:${repo}`))
    expect(error.reason).toBe('checksum')
    expect(error.message).toContain(sha256(data))
    expect(blobs()).toEqual([])
    expect(existsSync(path.join(repoFolder(), 'refs/main'))).toBe(false)
    expect(readdirSync(path.join(repoFolder(), 'snapshots'))).toEqual([])
  })

  test('of what an earlier pull left has it loaded anew', async () => {
    hub.put(repo, { [file]: data })
    hub.faults.push({ on: 'storage', cutAfter: 1000 }, { on: 'resolve', status: 403 })
    await refusal(pulled(`hf:${repo}`)) // 403 of the Hub is final
    const [partial = ''] = blobs()
    writeFileSync(path.join(repoFolder(), 'blobs', partial), Buffer.alloc(1000, 3))
    const { path: place } = await pulled(`hf:${repo}`)
    expect(sha256(readFileSync(place))).toBe(sha256(data))
    expect(messages().join()).toMatch(/loaded anew/)
  })

  test('that the Hub names otherwise than it lists is refused', async () => {
    hub.put(repo, { [file]: data })
    hub.linkedSums.set(file, '0'.repeat(64))
    const error = await refusal(pulled(`hf:${repo}`))
    expect(error).toMatchObject({ reason: 'bad-answer', message: expect.stringMatching(/0{64}/) })
    expect(blobs().filter((name) => !name.endsWith('.incomplete'))).toEqual([])
  })
})

describe('the disk', () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  test('is asked for room before a byte is loaded', async () => {
    hub.put(repo, { [file]: data })
    const little = { bavail: 10, bsize: 4096 } as never
    vi.spyOn(fs, 'statfs').mockResolvedValue(little)
    const error = await refusal(pulled(`hf:${repo}`))
    expect(error).toMatchObject({
      reason: 'disk-full',
      message: expect.stringMatching(/sluice rm/),
    })
    expect(hub.fetches).toEqual([])
  })

  test('that is full on the way is told, and what came stays', async () => {
    hub.put(repo, { [file]: data })
    const open = fs.open.bind(fs)
    vi.spyOn(fs, 'open').mockImplementation(async (...given) => {
      const handle = await open(...given)
      const full = Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write' })
      vi.spyOn(handle, 'writeFile').mockRejectedValueOnce(full)
      return handle
    })
    expect(await refusal(pulled(`hf:${repo}`))).toMatchObject({ reason: 'disk-full' })
    expect(blobs()).toEqual([`${sha256(data)}.incomplete`])
    vi.restoreAllMocks()
    await pulled(`hf:${repo}`)
  })

  test('whose folder is a file is told', async () => {
    hub.put(repo, { [file]: data })
    const place = path.join(cache, 'file')
    writeFileSync(place, '')
    expect(await refusal(pulled(`hf:${repo}`, { cache: place }))).toMatchObject({ reason: 'cache' })
  })
})

test('a body that is longer than its file is refused, and its connection closed', async () => {
  hub.put(repo, { [file]: data })
  hub.faults.push({ on: 'storage', extra: 2 ** 26 })
  const error = await refusal(pulled(`hf:${repo}`))
  expect(error).toMatchObject({ reason: 'bad-answer', message: expect.stringMatching(/more than/) })
  const isClosed = () => hub.fetches.every(({ status }) => status !== 0)
  await eventually(isClosed, 'the connection stayed')
})

describe('two pulls at once', () => {
  test('load a file once, and both have it', async () => {
    hub.put(repo, { [file]: data })
    const waits = () => told.filter((one) => one.phase === 'waiting')
    hub.pace = { bytes: 50_000, ms: 0, until: () => waits().length > 0 }
    const results = await Promise.all([pulled(`hf:${repo}`), pulled(`hf:${repo}`)])
    expect(new Set(results.map((one) => one.path)).size).toBe(1)
    expect(hub.fetches).toHaveLength(1)
    expect(results.map((one) => one.downloadedBytes).sort()).toEqual([0, data.length])
    expect(waits()).toMatchObject([{ reason: 'lock' }])
  })
})

describe('a pull that is aborted', () => {
  test('ends, and the next one goes on from there', async () => {
    hub.put(repo, { [file]: data })
    hub.pace = { bytes: 30_000, ms: 0, until: () => false }
    const controller = new AbortController()
    const first = pulled(`hf:${repo}`, {}, controller.signal)
    await eventually(() => downloading().length > 0) // it is written by then
    controller.abort()
    await expect(first).rejects.toThrow()
    hub.pace = null
    hub.requests.length = 0
    await pulled(`hf:${repo}`)
    expect(hub.fetches[0]?.headers.range).toMatch(/^bytes=[1-9]/)
  })
})

describe('without the Hub', () => {
  test('HF_HUB_OFFLINE takes what is in the cache, and says what is not', async () => {
    hub.put(repo, { [file]: data })
    const { path: place } = await pulled(`hf:${repo}`)
    hub.requests.length = 0
    expect(await pulled(`hf:${repo}:Q4_K_M`, { isOffline: true })).toMatchObject({ path: place })
    const error = await refusal(pulled(`hf:${repo}:Q8_0`, { isOffline: true }))
    expect(error.reason).toBe('offline')
    expect(hub.requests).toEqual([])
  })

  test('a model that is in the cache is taken, with a note', async () => {
    hub.put(repo, { [file]: data })
    const { path: place } = await pulled(`hf:${repo}`)
    const result = await pulled(`hf:${repo}`, { endpoint: 'http://127.0.0.1:9' })
    expect(result).toMatchObject({ path: place, downloadedBytes: 0 })
    expect(result.notes.join()).toMatch(/in the cache is taken/)
  })

  test('one that is not there is an error', async () => {
    const error = await refusal(pulled(`hf:${repo}`, { endpoint: 'http://127.0.0.1:9' }))
    expect(error).toMatchObject({
      reason: 'unreachable',
      message: expect.stringMatching(/HF_ENDPOINT/),
    })
  })
})
