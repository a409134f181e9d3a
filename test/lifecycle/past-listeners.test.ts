import { describe, expect, test } from 'vitest'
import { isWithoutFaults } from './child.js'
import { exitPastListeners, states, ways } from './exits-past-listeners.js'

// What goes wrong here goes wrong sometimes: test/long/exits.test.ts does it by the hundred.

describe.skipIf(isWithoutFaults)('a process ends by itself, and by no signal', () => {
  // Each way in the middle of some, and the barest in the middle of all.
  const cases = (Object.keys(ways) as (keyof typeof ways)[]).flatMap((way) =>
    (way === 'really-exits' ? states : (['decode', 'texts', 'load'] as const)).map(
      (state) => [way, state] as const,
    ),
  )

  test.each(cases)('%s, in the middle of: %s', async (way, state) => {
    const { code, signal, stderr } = await exitPastListeners(way, state)
    expect(signal).toBeNull()
    if (!stderr.includes('thrown on purpose')) expect(stderr).toBe('')
    expect([0, 1, 7]).toContain(code)
  })
})
