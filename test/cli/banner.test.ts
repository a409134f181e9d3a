import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type networkInterfaces, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { rerankRequest } from '../../src/apis/llama-server/rerank.js'
import { urlsOfAll } from '../../src/cli/serve/addresses.js'
import { banner, curl } from '../../src/cli/serve/banner.js'
import { type ShellKey, shellKeyOf } from '../../src/cli/serve/shell-key.js'
import { samplingOf } from '../../src/engine/native-request.js'
import { readApiKeys } from '../../src/options/api-keys.js'

const served = {
  names: ['storyteller', 'gemma', 'default'] as const,
  model: {
    id: 'storyteller',
    name: 'Storyteller',
    description: 'llama 1B Q8_0',
    parameters: 2e6,
    bytes: 2e6,
    trainedContext: 512,
    vocabulary: 1000,
    hasChatTemplate: true,
    canCallTools: true,
    canInfill: false,
    canThink: false,
  },
  settings: {
    parallel: 4,
    context: 512,
    window: 64,
    queue: 65,
    queueDeadlineMs: 60_001,
    threads: 2,
    poll: 0,
    priority: 'normal' as const,
    gpu: false as const,
    gpuLayers: 0,
    rpc: [],
    kvType: 'f16' as const,
    flashAttention: 'auto' as const,
    kvCells: 0,
    cacheMiB: 300,
    cacheDir: null,
    cacheDiskGiB: 10,
    draft: null,
    lookup: false,
    lora: [],
    mtp: false,
    draftMax: 0,
    isolation: 'none' as const,
    reasoningBudget: -1,
    toolsFallback: false,
    toolsMax: 1024,
    toolBytesMax: 2 ** 20,
    toolWorkMax: 10_000,
    sampling: samplingOf({}, {}),
  },
  engine: { warnings: [] },
}
const at = (url: string, key?: ShellKey) => ({
  ...{ url, urls: undefined, key, hasPage: true },
})
const home = at('http://127.0.0.1:8080')
const ownKey = { words: '$SLUICE_API_KEY', needs: 'the same SLUICE_API_KEY' }
const flags = {
  drainMs: 30_001,
  readerStallMs: 60_002,
  engineStallMs: 30_003,
  isolateKeys: false,
}

describe('what serve says at its start', () => {
  const text = banner([served], home, flags)

  test('names the model, its aliases and the address', () => {
    expect(text).toContain('serves storyteller, gemma (llama 1B Q8_0)')
    expect(text).toContain('Listening on http://127.0.0.1:8080.')
  })

  test('names a model whose file is called default', () => {
    const model = { ...served, names: ['default', 'fox'] as const }
    expect(banner([model], at('http://[::1]:1'), flags)).toContain('serves default, fox (')
  })

  test.each(['parallel 4', 'context 512', 'window 64', 'queue 65', 'queue-deadline-ms 60001'])(
    'shows %s',
    (setting) => expect(text).toContain(setting),
  )

  test.each([
    'threads 2',
    'kv-type f16',
    'drain-ms 30001',
    'reader-stall-ms 60002',
    'cache-mib 300',
  ])('shows %s as well', (setting) => expect(text).toContain(setting))

  test('shows what is shared, where it was asked for', () => {
    expect(text).not.toMatch(/kv-cells|isolate-keys/)
    const shared = { ...served, settings: { ...served.settings, kvCells: 2048 } }
    const said = banner([shared], home, { ...flags, isolateKeys: true })
    expect(said).toContain('kv-cells 2048 for all, isolate-keys')
  })

  test.each([
    [{ draft: '/models/d.gguf' }, 'draft /models/d.gguf\n'],
    [{ lookup: true, draftMax: 3 }, 'lookup, draft-max 3'],
    [{ mtp: true }, 'mtp\n'],
  ])('shows what drafts, where it was asked for: %j', (asked, shown) => {
    expect(text).not.toMatch(/draft|lookup|mtp/)
    const drafting = { ...served, settings: { ...served.settings, ...asked } }
    expect(banner([drafting], home, flags)).toContain(shown)
  })

  test('shows how much may be thought, where that is limited', () => {
    expect(text).not.toContain('reasoning')
    const limited = { ...served, settings: { ...served.settings, reasoningBudget: 0 } }
    expect(banner([limited], home, flags)).toContain('reasoning-budget 0\n')
  })

  test('says of a model that embeds that it does, and shows how to ask it', () => {
    expect(text).not.toContain('embeds')
    const embedding = { size: 384, pooling: 'cls' as const }
    const embedder = { ...served, model: { ...served.model, embedding } }
    const said = banner([embedder], at('http://127.0.0.1:8080', ownKey), flags)
    expect(said).toContain('embeds: vectors of 384, pooling cls, parallel 4')
    expect(said).toMatch(/^curl http:\/\/127\.0\.0\.1:8080\/v1\/embeddings .*SLUICE_API_KEY/m)
  })

  test('says of a reranker that it ranks, and shows how to ask it', () => {
    const embedding = { size: 1, pooling: 'rank' as const }
    const reranker = { ...served, model: { ...served.model, embedding } }
    const said = banner([reranker], at('http://127.0.0.1:8080', ownKey), flags)
    expect(said).toContain('  ranks documents, parallel 4')
    expect(said).not.toMatch(/embeds|embeddings/)
    expect(said).toMatch(/^curl http:\/\/127\.0\.0\.1:8080\/v1\/rerank .*SLUICE_API_KEY/m)
    const [, body = ''] = /-d '(.*)'$/m.exec(said) ?? []
    expect(rerankRequest.safeParse(JSON.parse(body)).error).toBeUndefined()
  })

  test('tells a context beyond what the model was trained on, and what was warned of', () => {
    expect(text).toContain('context 512 tokens each, ')
    expect(text).not.toContain('warnings')
    const warning = { code: 'WARN_GPU_MISSING' as const, message: 'a\nb' }
    const settings = { ...served.settings, context: 1024 }
    const beyond = { ...served, settings, engine: { warnings: [warning, warning] } }
    const said = banner([beyond], home, flags)
    expect(said).toContain('context 1024 tokens each (the model was trained on 512), ')
    expect(said).toContain('  warnings: WARN_GPU_MISSING\n')
  })

  test('lists each address where it listens on all, and asks the first', () => {
    const urls = ['http://localhost:99', 'http://[fd00::1]:99']
    const said = banner(
      [served],
      { url: 'http://[::]:99', urls, key: undefined, hasPage: true },
      flags,
    )
    expect(said).toContain(
      'Listening on all addresses:\n  http://localhost:99\n  http://[fd00::1]:99\nTry:\n\n' +
        'curl -N http://localhost:99/v1',
    )
  })

  test('names the page last, where there is one', () => {
    const ending = '\n\nOr open http://127.0.0.1:8080 in a browser, to chat and to watch the engine'
    expect(text.endsWith(`${ending}.\n\n`)).toBe(true)
    const withKey = banner([served], at('http://127.0.0.1:8080', ownKey), flags)
    expect(withKey.endsWith(`${ending}; it asks for the key.\n\n`)).toBe(true)
    expect(banner([served], { ...home, hasPage: false }, flags)).not.toContain('browser')
  })

  test('says what the shell needs for the curl line', () => {
    expect(banner([served], at('http://[::1]:99', ownKey), flags)).toContain(
      'Listening on http://[::1]:99. Try, in a shell that has the same SLUICE_API_KEY:\n\n' +
        'curl -N http://[::1]:99/v1',
    )
  })
})

describe('the addresses of a server that listens on all', () => {
  const found = (family: 'IPv4' | 'IPv6', address: string, scopeid = 0) => ({
    ...{ family, address, scopeid, netmask: '', mac: '', internal: false, cidr: null },
  })
  const interfaces = {
    lo: [found('IPv4', '127.0.0.1'), found('IPv6', '::1')],
    eth0: [found('IPv4', '192.168.1.5'), found('IPv6', 'fd00::5'), found('IPv6', 'fe80::5', 2)],
    wlan0: undefined,
  } as unknown as ReturnType<typeof networkInterfaces>

  test('are those of IPv4 for 0.0.0.0', () => {
    expect(urlsOfAll({ address: '0.0.0.0', port: 80 }, () => interfaces)).toEqual([
      'http://localhost:80',
      'http://127.0.0.1:80',
      'http://192.168.1.5:80',
    ])
  })

  test('are those of both for ::, but for an address of one link alone', () => {
    expect(urlsOfAll({ address: '::', port: 80 }, () => interfaces)).toEqual([
      'http://localhost:80',
      'http://127.0.0.1:80',
      'http://[::1]:80',
      'http://192.168.1.5:80',
      'http://[fd00::5]:80',
    ])
  })

  test('are one where the system tells none', () => {
    const fails = () => {
      throw new Error('it is not told')
    }
    expect(urlsOfAll({ address: '::', port: 80 }, fails)).toEqual(['http://localhost:80'])
  })

  test.each(['127.0.0.1', '::1', '192.168.1.5'])('are none for %s', (address) => {
    expect(urlsOfAll({ address, port: 80 }, () => interfaces)).toBeUndefined()
  })
})

describe('the curl line', () => {
  /** What a shell makes of it. */
  const words = (line: string, env: Record<string, string> = {}) =>
    execFileSync('sh', ['-c', `set -- ${line}; printf '%s\\n' "$@"`], {
      encoding: 'utf8',
      env: { ...process.env, ...env },
    }).split('\n')

  test('is one line whose body is JSON after the shell has read it', () => {
    const line = curl('http://127.0.0.1:8080', undefined)
    expect(line).not.toContain('\n')
    const parts = words(line)
    expect(parts[2]).toBe('http://127.0.0.1:8080/v1/chat/completions')
    expect(parts).not.toContain('Authorization: Bearer ')
    expect(JSON.parse(parts[parts.indexOf('-d') + 1] ?? '')).toEqual({
      model: 'default',
      messages: [{ role: 'user', content: 'Tell me a story' }],
      stream: true,
    })
  })

  test('takes the key from the environment of the shell', () => {
    const parts = words(curl('http://127.0.0.1:8080', ownKey), { SLUICE_API_KEY: 'k-1' })
    expect(parts).toContain('Authorization: Bearer k-1')
  })

  test.runIf(process.platform !== 'win32').each([
    ['one key', 'k-1'],
    ['comments and blank lines', '# keys\n\n  # more\nk-1\nk-2\n'],
    ['keys with limits', '# keys\n  k-1 name=one  requests=2\nk-2\n'],
    ['blanks and Windows’ line ends', '#\r\n\r\n  k-1 \r\nk-2\r\n'],
  ])('takes the first key of a file of %s', (_, text) => {
    const file = join(mkdtempSync(join(tmpdir(), "sluice's keys ")), 'keys.txt')
    writeFileSync(file, text)
    expect(readApiKeys(file, {})[0]).toMatchObject({ key: 'k-1' })
    const key = shellKeyOf(file, true)
    expect(JSON.stringify(key)).not.toContain('k-1')
    expect(key?.needs).toBeUndefined()
    const line = curl('http://127.0.0.1:8080', key)
    expect(line).not.toContain('\n')
    expect(words(line)).toContain('Authorization: Bearer k-1')
    rmSync(dirname(file), { recursive: true })
  })

  test('wants the variable where no file can be read again', () => {
    expect(shellKeyOf(undefined, false)).toBeUndefined()
    expect(shellKeyOf(undefined, true)).toEqual(ownKey)
    expect(shellKeyOf('/dev/null', false)).toMatchObject({ words: '$SLUICE_API_KEY' })
    expect(shellKeyOf('/dev/null', true)).toEqual(ownKey)
    const gone = shellKeyOf('/nowhere/keys.txt', false) // removed once it was read
    expect(gone).toMatchObject({ words: '$SLUICE_API_KEY' })
  })
})
