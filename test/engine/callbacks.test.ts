import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import { guarded } from '../../src/engine/callbacks.js'
import { load } from '../../src/index.js'
import { eventually, settle } from '../support/eventually.js'
import { FakeAddon } from '../support/fake-binding.js'
import { chat, closeAfterEach, serve, story } from '../support/serve.js'

// What a caller's own function throws ends neither the process nor what it is called for.

interface Warning extends Error {
  code?: string
  detail?: string
}

let told: Warning[] = []
const listener = (warning: Warning) => told.push(warning)
const ours = () => told.filter(({ code }) => code === 'SLUICE_CALLBACK')

beforeEach(() => {
  told = []
  process.on('warning', listener)
})
afterEach(() => {
  process.off('warning', listener)
  useBinding(undefined)
})
closeAfterEach()

/** Ways to fail, each with its words. */
const ways: [way: string, fail: () => unknown][] = [
  [
    'throws',
    () => {
      throw new Error('the caller’s own')
    },
  ],
  ['rejects', async () => Promise.reject(new Error('the caller’s own'))],
  [
    'throws nothing that can be read',
    () => {
      throw Object.create(null)
    },
  ],
  [
    'answers with what throws when it is looked at',
    () => ({
      // biome-ignore lint/suspicious/noThenProperty: as a hostile thenable has it
      get then() {
        throw new Error('the caller’s own')
      },
    }),
  ],
]

describe.each(ways)('a callback that %s', (_, fail) => {
  test('lets load() go on where it is for progress, and is reported once', async () => {
    const addon = new FakeAddon({ load: 'held' })
    useBinding(addon)
    let calls = 0
    const onProgress = () => {
      calls++
      return fail() as undefined
    }
    const loading = load({ model: 'a.gguf', onProgress })
    await settle()
    addon.engine.progress(0.5)
    addon.engine.progress(0.6)
    addon.engine.ready()
    const engine = await loading
    await settle()
    expect(calls).toBe(2)
    expect(ours()).toHaveLength(1)
    expect(ours()[0]?.message).toMatch(/^onProgress (threw|rejected)/)
    await engine.close()
  })

  test('lets load() go on where it is for warnings, which are kept', async () => {
    const warnings = [
      { code: 'WARN_GPU_FAILED' as const, message: 'no driver' },
      { code: 'WARN_GPU_PARTIAL' as const, message: '3 of 7' },
    ]
    useBinding(new FakeAddon({ model: { warnings } }))
    const engine = await load({ model: 'a.gguf', onWarning: fail as () => void })
    await settle()
    expect(engine.warnings).toEqual(warnings)
    expect(ours()).toHaveLength(1)
    await engine.close()
  })

  test('lets each request be answered and counted where it is for the log', async () => {
    const served = await serve({ server: { onLog: fail as () => void } })
    for (let i = 0; i < 3; i++) {
      const answer = await chat(served.url, story())
      expect(answer.status).toBe(200)
      expect(await answer.text()).toContain('data: [DONE]')
    }
    expect((await chat(served.url, '{')).status).toBe(400)
    await eventually(() => ours().length > 0, 'it was never warned of')
    await settle()
    expect(ours()).toHaveLength(1)
    const page = await (await fetch(`${served.url}/metrics`)).text()
    expect(page).toMatch(/^sluice_http_requests_total\{[^}]*status="200"[^}]*\} 3$/m)
    await served.server.drain({ deadlineMs: 1000 })
  })
})

test('a log’s error is told without its message, which may repeat a request', async () => {
  const onLog = () => {
    throw new Error('Tell me a story')
  }
  const served = await serve({ server: { onLog } })
  await (await chat(served.url, story())).text()
  await eventually(() => ours().length > 0, 'it was never warned of')
  expect(ours()[0]?.detail).toMatch(/^Error\n +at .*callbacks\.test\.ts/)
  expect(`${ours()[0]?.detail}${ours()[0]?.message}`).not.toContain('story')
})

test('each listener warns by itself', () => {
  const failing = () => {
    throw new Error('x')
  }
  const [one, other] = [guarded('one', failing), guarded('other', failing)]
  one()
  one()
  other()
  return eventually(() => ours().length === 2, 'two listeners were to warn')
})
