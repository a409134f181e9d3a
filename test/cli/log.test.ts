import { describe, expect, test } from 'vitest'
import { openLog } from '../../src/cli/log.js'
import { levelOf } from '../../src/cli/log-level.js'
import type { AccessEntry } from '../../src/http/index.js'

const entry: AccessEntry = {
  requestId: 'req-1',
  method: 'POST',
  route: '/v1/chat/completions',
  status: 200,
  outcome: 'done',
  code: undefined,
  durationMs: 123.456,
  promptTokens: 12,
  completionTokens: 34,
  error: undefined,
}
const bad = { ...entry, status: 400, outcome: 'failed' as const }
const failed = { ...entry, status: 500, outcome: 'failed' as const, error: new Error('a secret') }
const health = { ...entry, route: '/health' }

async function logged(
  format: 'text' | 'json',
  level: Parameters<typeof openLog>[1],
  tell: (log: Awaited<ReturnType<typeof openLog>>) => void,
): Promise<string[]> {
  const lines: string[] = []
  tell(await openLog(format, level, { write: (text) => lines.push(text) }))
  return lines
}

describe('a log of JSON', () => {
  const told = async (one: AccessEntry) => {
    const [line = '', ...rest] = await logged('json', 'debug', (log) => log.request(one))
    expect(rest).toEqual([])
    expect(line.endsWith('\n')).toBe(true)
    expect(line.indexOf('\n')).toBe(line.length - 1)
    return JSON.parse(line) as Record<string, unknown>
  }

  test('has a line a request, with what is known of it', async () => {
    const { time, ...line } = await told(entry)
    expect(new Date(time as string).toISOString()).toBe(time)
    expect(line).toEqual({
      level: 'info',
      msg: 'request',
      requestId: 'req-1',
      method: 'POST',
      route: '/v1/chat/completions',
      status: 200,
      outcome: 'done',
      durationMs: 123.5,
      promptTokens: 12,
      completionTokens: 34,
    })
  })

  test('says where the server itself failed, without the words of the error', async () => {
    const line = await told(failed)
    expect(line).toMatchObject({ level: 'error', fault: { name: 'Error' } })
    expect(JSON.stringify(line)).toContain('log.test.ts')
    expect(JSON.stringify(line)).not.toContain('secret')
  })

  test("has a line for each event in the server's life", async () => {
    const lines = await logged('json', 'info', (log) => {
      log.life('ready', { url: 'http://127.0.0.1:1', model: 'm' })
      log.life('draining', { replies: 2, deadlineMs: 5 })
      log.life('stopped', {})
    })
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { msg: 'ready', url: 'http://127.0.0.1:1', model: 'm' },
      { msg: 'draining', replies: 2, deadlineMs: 5 },
      { msg: 'stopped' },
    ])
  })
})

test("the text log says of the server's life only what the banner does not", async () => {
  const lines = await logged('text', 'info', (log) => {
    log.life('ready', { url: 'http://127.0.0.1:1', model: 'm' })
    log.life('draining', { replies: 0, deadlineMs: 5 })
    log.life('draining', { replies: 2, deadlineMs: 5 })
    log.life('stopped', {})
  })
  expect(lines).toEqual(['sluice: 2 replies may go on for 5 ms; a second signal ends at once\n'])
})

test.each([
  ['debug', 4],
  ['info', 3],
  ['warn', 2],
  ['error', 1],
  ['silent', 0],
] as const)('at level %s both formats tell %d of four', async (level, count) => {
  for (const format of ['text', 'json'] as const) {
    const lines = await logged(format, level, (log) => {
      for (const one of [health, entry, bad, failed]) log.request(one)
    })
    expect(lines).toHaveLength(count)
  }
})

test('an error within a stream is an error, whatever the status was', async () => {
  const broken = { ...entry, outcome: 'failed' as const, code: 'engine_failed' }
  const lines = await logged('json', 'error', (log) => log.request(broken))
  expect(lines).toHaveLength(1)
})

test.each([
  ['/health', 'loading', 'debug'],
  ['/health', 'shutting_down', 'debug'],
  ['/metrics', 'loading', 'debug'],
  ['/health', 'engine_ended', 'error'],
  ['/health', 'load_failed', 'error'],
  ['/v1/models', 'loading', 'error'],
] as const)('a look at %s that is told %s is a line at %s', (route, code, level) => {
  const one = { ...entry, route, status: 503, outcome: 'failed' as const, code }
  expect(levelOf(one)).toBe(level)
})
