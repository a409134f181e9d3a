import { describe, expect, test } from 'vitest'
import { KeyUse } from '../../../src/http/door/key-use.js'
import { TokenBucket } from '../../../src/http/door/token-bucket.js'

/** A clock that stands until it is set. */
function clock() {
  const time = { ms: 0 }
  return { time, now: () => time.ms }
}

interface TestCall {
  owner: string
  tokens: number
  engine: unknown
}

const callOf = (owner: string, tokens = 0, engine?: unknown): TestCall => {
  return { owner, tokens, engine }
}

function keyUse(queues: { queued: number; free: number }[] = []) {
  const { time, now } = clock()
  return { time, use: new KeyUse<TestCall>({ queues: () => queues }, now) }
}

describe('a bucket of tokens', () => {
  test('fills at an even pace, up to what a minute has', () => {
    const bucket = new TokenBucket(600, 0)
    bucket.take(600, 0)
    expect(bucket.left(0)).toBe(0)
    expect(bucket.left(1000)).toBe(10)
    expect(bucket.left(30_000)).toBe(300)
    expect(bucket.left(600_000)).toBe(600)
  })

  test('may be in debt, which is paid back first', () => {
    const bucket = new TokenBucket(600, 0)
    bucket.take(1200, 0)
    expect(bucket.left(30_000)).toBe(-300)
    expect(bucket.msFor(300)).toBe(30_000)
    expect(bucket.left(61_000)).toBe(10)
  })

  test('that is made larger or smaller keeps what was used', () => {
    const bucket = new TokenBucket(600, 0)
    bucket.take(500, 0)
    bucket.change(1000, 0)
    expect(bucket.left(0)).toBe(500)
    bucket.change(100, 0)
    expect(bucket.left(0)).toBe(-400)
  })
})

describe('requests at once', () => {
  test('are refused beyond the limit, and let in when one has left', () => {
    const { use } = keyUse()
    const limits = { requests: 2 }
    const [first, second, third] = [callOf('a'), callOf('a'), callOf('a')]
    expect(use.enter(first, limits)).toMatchObject({ requests: { limit: 2, left: 1 } })
    expect(use.enter(second, limits)).toMatchObject({ requests: { limit: 2, left: 0 } })
    expect(use.enter(third, limits).refusal).toMatchObject({ status: 429, retryAfterSeconds: 1 })
    use.leave(third) // it was not taken in
    expect(use.enter(third, limits).refusal).toBeDefined()
    use.leave(first)
    expect(use.enter(third, limits).refusal).toBeUndefined()
  })

  test('of another key do not count', () => {
    const { use } = keyUse()
    use.enter(callOf('a'), { requests: 1 })
    expect(use.enter(callOf('b'), { requests: 1 }).refusal).toBeUndefined()
  })
})

describe('requests that wait', () => {
  test('are those that have no slot, beyond the slots that are free', () => {
    const queues = [{ queued: 0, free: 1 }]
    const { use } = keyUse(queues)
    const limits = { queue: 2 }
    const calls = Array.from({ length: 6 }, () => callOf('a'))
    // A free slot is as good as theirs until it is known what they ask for.
    const states = calls.map((call) => use.enter(call, limits).refusal === undefined)
    expect(states).toEqual([true, true, true, false, false, false])
    for (const call of calls) call.engine = queues
    queues[0] = { queued: 2, free: 0 }
    expect(use.enter(callOf('a'), limits).refusal?.message).toMatch(/2 requests waiting/)
    queues[0] = { queued: 1, free: 0 }
    expect(use.enter(callOf('a'), limits).refusal).toBeUndefined()
  })

  test('of several models count together; a slot of one is of no use to another', () => {
    const engine = {}
    const queues = [
      { queued: 2, free: 0 },
      { queued: 0, free: 4 },
    ]
    const { use } = keyUse(queues)
    const limits = { queue: 2 }
    use.enter(callOf('a', 0, engine), {})
    use.enter(callOf('a', 0, engine), {})
    expect(use.enter(callOf('a'), limits).refusal).toBeDefined()
  })
})

describe('tokens a minute', () => {
  const limits = { tokensPerMinute: 600 }

  test('are taken when a request has ended, and come back', () => {
    const { use, time } = keyUse()
    const call = callOf('a')
    expect(use.enter(call, limits).tokens).toMatchObject({ limit: 600, left: 600, resetMs: 0 })
    call.tokens = 700
    use.leave(call)
    const { refusal, tokens } = use.enter(callOf('a'), limits)
    expect(refusal).toMatchObject({ status: 429, retryAfterSeconds: 11 })
    expect(refusal?.message).toContain('Please try again in 11s.')
    expect(tokens).toMatchObject({ left: -100, resetMs: 70_000 })
    time.ms = 11_000
    expect(use.enter(callOf('a'), limits).refusal).toBeUndefined()
  })

  test('of a request under way count as they come, and once', () => {
    const { use } = keyUse()
    const call = callOf('a')
    use.enter(call, limits)
    call.tokens = 600
    expect(use.enter(callOf('a'), limits).refusal).toBeDefined()
    use.leave(call)
    expect(use.enter(callOf('a'), limits).tokens).toMatchObject({ left: 0 })
  })

  test('come back while a request is under way: a long stream may go on within them', () => {
    const { use, time } = keyUse()
    const call = callOf('a')
    use.enter(call, limits)
    time.ms = 600_000
    call.tokens = 5000 // 500 a minute
    const other = callOf('b')
    use.enter(other, limits)
    use.leave(other) // another key's end is no look at this one
    expect(use.enter(callOf('a'), limits).tokens).toMatchObject({ left: 600 })
    time.ms = 660_000
    call.tokens += 1300
    use.leave(call)
    expect(use.enter(callOf('a'), limits).tokens).toMatchObject({ left: -100 })
  })

  test('a limit that a reload has changed counts with what was used', () => {
    const { use } = keyUse()
    const call = callOf('a', 500)
    use.enter(call, limits)
    use.leave(call)
    expect(use.enter(callOf('a'), { tokensPerMinute: 1000 }).tokens).toMatchObject({ left: 500 })
  })
})
