import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { randomModel } from '../../../support/models/random-model.js'

// A long word recurses once per character in llama.cpp's regular expressions. Where the system
// gives no deep stack, the limit is what the smaller one carries: up to it, the word is split, and
// beyond it the request fails, and nothing else does.

const script = fileURLToPath(new URL('../../../support/children/deep-texts.mjs', import.meta.url))
const model = randomModel({ preTokenizer: 'deepseek-llm' })
const shipped = 'build/Release/sluice.node'
/** Has a thread's creation fail beyond SLUICE_TEST_STACK_MAX bytes. */
const failing = 'build/Release/failed-calls/sluice.node'

interface Outcome {
  warnings: { code: string; message: string }[]
  limit: number
  longest: null
  beyond: { code: string; message: string }
  prompt: { code: string; message: string } | null
  after: boolean
}

interface TemplateOutcome {
  nested: string
  /** What a template that calls itself for ever is told, and what a plain one makes. */
  endless: string
  plain: string
}

async function outcomeOf<T = Outcome>(
  limits: string,
  addon: string,
  env = {},
  program = script,
): Promise<T> {
  const line = `${limits}exec "$0" "$@"`
  const child = spawn('bash', ['-c', line, process.execPath, program, model, addon], {
    env: { ...process.env, NODE_NO_WARNINGS: '1', ...env },
    timeout: 200_000,
  })
  const ended = new Promise((resolve) => child.once('close', (...how) => resolve(how)))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  expect({ ended: await ended, stderr }).toEqual({ ended: [0, null], stderr: '' })
  return JSON.parse(stdout) as T
}

function expectLimit(outcome: Outcome, least: number, most: number): void {
  const { limit, longest, beyond, prompt, after, warnings } = outcome
  expect(limit).toBeGreaterThanOrEqual(least)
  expect(limit).toBeLessThanOrEqual(most)
  expect(longest).toBeNull()
  expect(beyond).toMatchObject({ code: 'ERR_INVALID_REQUEST' })
  expect(beyond.message).toContain(`a run of over ${limit} bytes`)
  expect(prompt?.code).toMatch(/^ERR_(INVALID_REQUEST|CONTEXT_LENGTH)$/)
  expect(after).toBe(true)
  const told = warnings.filter((warning) => warning.code === 'WARN_SMALL_STACK')
  expect(told).toHaveLength(limit < 1_000_000 ? 1 : 0)
  if (limit === 1_000_000) return
  // Of the smallest stack: threads that started before it may have more.
  const [, named] = /runs of (\d+) bytes/.exec(told[0]?.message ?? '') ?? []
  expect(Number(named)).toBeGreaterThanOrEqual(limit / 4)
  expect(Number(named)).toBeLessThanOrEqual(limit)
  expect(beyond.message).toContain('ulimit -v')
}

describe.skipIf(process.platform !== 'linux')('a long word', () => {
  test('may have a million bytes where there is a deep stack', async () => {
    expectLimit(await outcomeOf('', shipped), 1_000_000, 1_000_000)
  })

  // The stack that is given is the largest power of two, and 384 bytes of it are for a byte.
  test.each([64, 8, 1, 0.25])('may be as long as a stack of %d MiB carries', async (mib) => {
    const most = String(mib * 2 ** 20)
    const outcome = await outcomeOf('', failing, { SLUICE_TEST_STACK_MAX: most })
    const limit = Math.floor((mib * 2 ** 20 * 0.75) / 384)
    expectLimit(outcome, limit * 0.9, limit * 1.3)
  })

  test.each([2_000_000, 1_500_000])('ends no process where ulimit -v is %i KiB', async (kib) => {
    expectLimit(await outcomeOf(`ulimit -v ${kib}; `, shipped), 1000, 999_999)
  })
})

// Templates recurse too: where they are read, with each bracket, and where they run.
describe.skipIf(process.platform !== 'linux')('a chat template', () => {
  const templates = fileURLToPath(
    new URL('../../../support/children/deep-templates.mjs', import.meta.url),
  )

  test.each([16, 1, 0.25])('is as deep as a stack of %d MiB carries, at most', async (mib) => {
    const env = { SLUICE_TEST_STACK_MAX: String(mib * 2 ** 20) }
    const outcome = await outcomeOf<TemplateOutcome>('', failing, env, templates)
    const hint = mib < 16 ? 'ulimit -v' : ''
    expect(outcome.nested).toMatch(/chatTemplate cannot be read: line 1: .*nested too deeply/)
    expect(outcome.nested).toContain(hint)
    expect(outcome.endless).toContain(`${{ 16: 2000, 1: 256, 0.25: 64 }[mib]} levels`)
    expect(outcome.endless).toContain(hint)
    expect(outcome.plain).toBe('user: Good evening')
  })
})
