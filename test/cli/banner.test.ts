import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { banner, curl } from '../../src/cli/banner.js'

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
    kvType: 'f16' as const,
    flashAttention: 'auto' as const,
    kvCells: 0,
    cacheMiB: 300,
    draft: null,
    lookup: false,
    draftMax: 0,
    reasoningBudget: -1,
    toolsMax: 1024,
    toolBytesMax: 2 ** 20,
    toolWorkMax: 10_000,
  },
}
const flags = {
  drainMs: 30_001,
  readerStallMs: 60_002,
  engineStallMs: 30_003,
  isolateKeys: false,
}

describe('what serve says at its start', () => {
  const text = banner([served], 'http://127.0.0.1:8080', flags, false)

  test('names the model, its aliases and the address', () => {
    expect(text).toContain('serves storyteller, gemma (llama 1B Q8_0)')
    expect(text).toContain('Listening on http://127.0.0.1:8080.')
  })

  test('names a model whose file is called default', () => {
    const model = { ...served, names: ['default', 'fox'] as const }
    expect(banner([model], 'http://[::1]:1', flags, false)).toContain('serves default, fox (')
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

  test('says that the context is more than the model was trained on, where that was warned of', () => {
    expect(text).not.toContain('trained')
    const code = 'WARN_CONTEXT_BEYOND_TRAINED' as const
    const beyond = { ...served, engine: { warnings: [{ code, message: 'it is longer' }] } }
    const said = banner([beyond], 'http://127.0.0.1:8080', flags, false)
    expect(said).toContain('context 512 tokens each (more than the 512 that it was trained on), ')
  })

  test('shows what is shared, where it was asked for', () => {
    expect(text).not.toMatch(/kv-cells|isolate-keys/)
    const shared = { ...served, settings: { ...served.settings, kvCells: 2048 } }
    const said = banner([shared], 'http://127.0.0.1:8080', { ...flags, isolateKeys: true }, true)
    expect(said).toContain('kv-cells 2048 for all, isolate-keys')
  })

  test.each([
    [{ draft: '/models/d.gguf' }, 'draft /models/d.gguf\n'],
    [{ lookup: true, draftMax: 3 }, 'lookup, draft-max 3'],
  ])('shows what drafts, where it was asked for: %j', (asked, shown) => {
    expect(text).not.toMatch(/draft|lookup/)
    const drafting = { ...served, settings: { ...served.settings, ...asked } }
    expect(banner([drafting], 'http://127.0.0.1:8080', flags, true)).toContain(shown)
  })

  test('shows how much may be thought, where that is limited', () => {
    expect(text).not.toContain('reasoning')
    const limited = { ...served, settings: { ...served.settings, reasoningBudget: 0 } }
    expect(banner([limited], 'http://127.0.0.1:8080', flags, true)).toContain(
      'reasoning-budget 0\n',
    )
  })

  test('says of a model that embeds that it does, and shows how to ask it', () => {
    expect(text).not.toContain('embeds')
    const embedding = { size: 384, pooling: 'cls' as const }
    const embedder = { ...served, model: { ...served.model, embedding } }
    const said = banner([embedder], 'http://127.0.0.1:8080', flags, true)
    expect(said).toContain('embeds: vectors of 384, pooling cls, parallel 4')
    expect(said).toMatch(/^curl http:\/\/127\.0\.0\.1:8080\/v1\/embeddings .*SLUICE_API_KEY/m)
  })

  test.each([
    ['http://0.0.0.0:99', 'curl -N http://127.0.0.1:99/v1'],
    ['http://[::]:99', 'curl -N http://[::1]:99/v1'],
    ['http://[::1]:99', 'curl -N http://[::1]:99/v1'],
  ])('a server at %s is asked at an address that can be asked', (url, start) => {
    expect(banner([served], url, flags, false)).toContain(start)
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
    const line = curl('http://127.0.0.1:8080', false)
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
    const parts = words(curl('http://127.0.0.1:8080', true), { SLUICE_API_KEY: 'k-1' })
    expect(parts).toContain('Authorization: Bearer k-1')
  })
})
