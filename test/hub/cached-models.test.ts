import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { binding } from '../../src/binding/binding.js'
import {
  cachedModels,
  meantBy,
  removeModel,
  removeRest,
  unfinished,
} from '../../src/hub/cached-models.js'
import { findCached } from '../../src/hub/find.js'
import { type HubName, parseHubName } from '../../src/options/hub-name.js'

// A cache as the Hub's other tools leave it.

const [old, now] = ['a'.repeat(40), 'b'.repeat(40)]
let cache: string
let repo: string

beforeEach(() => {
  cache = mkdtempSync(path.join(tmpdir(), 'sluice-cache-'))
  repo = path.join(cache, 'models--ada--lovelace')
  mkdirSync(path.join(repo, 'blobs'), { recursive: true })
  mkdirSync(path.join(repo, 'refs'))
  writeFileSync(path.join(repo, 'refs/main'), now)
  put(old, 'm-Q8_0.gguf', 'old q8')
  put(old, 'm-Q4_K_M.gguf', 'q4')
  put(now, 'm-Q8_0.gguf', 'new q8!')
  put(now, 'config.json', '{}')
  mkdirSync(path.join(cache, 'datasets--ada--notes'))
})
afterEach(() => rmSync(cache, { recursive: true }))

function put(commit: string, file: string, content: string): void {
  const name = Buffer.from(content).toString('hex').padEnd(64, '0')
  writeFileSync(path.join(repo, 'blobs', name), content)
  mkdirSync(path.join(repo, 'snapshots', commit), { recursive: true })
  symlinkSync(`../../blobs/${name}`, path.join(repo, 'snapshots', commit, file))
}

const named = (text: string) => parseHubName(text) as HubName
const nameOf = ({ name }: { name: string }) => name
const blobs = () => readdirSync(path.join(repo, 'blobs'))

describe('the models of a cache', () => {
  test('are those of main by their plain names, and others by their commit', async () => {
    const models = await cachedModels(cache)
    expect(models.map(nameOf)).toEqual([
      'hf:ada/lovelace:Q8_0',
      'hf:ada/lovelace:Q4_K_M',
      `hf:ada/lovelace@${old}:Q8_0`,
    ])
    expect(models.map(({ bytes }) => bytes)).toEqual([7, 2, 6])
  })

  test('are found by the names that they are told by', async () => {
    for (const { name, path: place } of await cachedModels(cache)) {
      expect((await findCached(named(name), cache))?.files).toEqual([place])
    }
    expect(await findCached(named('hf:ada/lovelace:F16'), cache)).toBeUndefined()
    expect(await findCached(named('hf:ada/none'), cache)).toBeUndefined()
  })

  test('whose blob is gone are none', async () => {
    for (const name of blobs()) rmSync(path.join(repo, 'blobs', name))
    expect(await cachedModels(cache)).toEqual([])
  })

  test('are none where there is no cache', async () => {
    expect(await cachedModels(path.join(cache, 'none'))).toEqual([])
  })
})

describe('removing a model', () => {
  test('leaves the others, and what is no model', async () => {
    const [model] = await meantBy(named('hf:ada/lovelace:Q4_K_M'), cache, false)
    expect(model && (await removeModel(model, cache))).toBe(2)
    await removeRest('ada/lovelace', cache, binding().lockFile)
    expect((await cachedModels(cache)).map(({ quant }) => quant)).toEqual(['Q8_0', 'Q8_0'])
    expect(blobs()).toHaveLength(3)
  })

  test('of a repository that holds several wants a name, or all', async () => {
    await expect(meantBy(named('hf:ada/lovelace'), cache, false)).rejects.toThrow(/3 models.*--all/)
    for (const model of await meantBy(named('hf:ada/lovelace'), cache, true)) {
      await removeModel(model, cache)
    }
    await removeRest('ada/lovelace', cache, binding().lockFile)
    expect(existsSync(path.join(repo, 'snapshots', now, 'config.json'))).toBe(true)
    expect(existsSync(path.join(repo, 'snapshots', old))).toBe(false)
    expect(blobs()).toHaveLength(1)
  })

  test('of one revision leaves the other', async () => {
    const models = await meantBy(named(`hf:ada/lovelace@${old}:Q8_0`), cache, false)
    expect(models.map(nameOf)).toEqual([`hf:ada/lovelace@${old}:Q8_0`])
  })

  test('frees nothing of a content that another file has too', async () => {
    put(now, 'copy-Q4_K_M.gguf', 'q4')
    const [model] = await meantBy(named('hf:ada/lovelace/m-Q4_K_M.gguf'), cache, false)
    expect(model && (await removeModel(model, cache))).toBe(0)
  })
})

describe('what is not finished', () => {
  const partial = () => path.join(repo, 'blobs', `${'c'.repeat(64)}.incomplete`)
  beforeEach(() => writeFileSync(partial(), 'begun'))

  test('is told by its bytes, and is no model', async () => {
    expect(await unfinished(cache)).toEqual([{ repo: 'ada/lovelace', bytes: 5 }])
    expect(await cachedModels(cache)).toHaveLength(3)
  })

  test('is removed, but not while a process goes on with it', async () => {
    const { lockFile } = binding()
    const locks = path.join(cache, '.locks/models--ada--lovelace')
    mkdirSync(locks, { recursive: true })
    const release = lockFile(path.join(locks, `${'c'.repeat(64)}.lock`))
    expect(await removeRest('ada/lovelace', cache, lockFile)).toBe(0)
    expect(existsSync(partial())).toBe(true)
    release?.()
    expect(await removeRest('ada/lovelace', cache, lockFile)).toBe(5)
    expect(existsSync(partial())).toBe(false)
  })
})
