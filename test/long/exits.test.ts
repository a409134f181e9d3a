import { describe, expect, test } from 'vitest'
import { isWithoutFaults } from '../lifecycle/child.js'
import { exitPastListeners, states, ways } from '../lifecycle/exits-past-listeners.js'

const times = 30

describe.skipIf(isWithoutFaults).each(Object.entries(ways))('where %s (%s)', (way) => {
  test.each(states)(
    `the process ends ${times} times by no signal, in the middle of: %s`,
    async (state) => {
      for (let i = 0; i < times; i++) {
        const { signal, code } = await exitPastListeners(way as keyof typeof ways, state)
        expect({ round: i, signal }).toEqual({ round: i, signal: null })
        expect([0, 1, 7]).toContain(code)
      }
    },
  )
})
