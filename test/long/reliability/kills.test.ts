import { describe, expect, test } from 'vitest'
import {
  baselineOf,
  expectAsBefore,
  expectQuietEnd,
  quiet,
} from '../../support/reliability/invariants.js'
import { modelOfPhases, phaseNames, phases, reach } from '../../support/reliability/phases.js'
import { ServerUnderTest } from '../../support/reliability/server.js'
import { Tally } from '../../support/reliability/tally.js'

// Clients that are lost, in every phase of a request. docs/reliability.md has the figures.

const atOnce = 6
const rounds = 4

const ways = {
  FIN: (client: { fin(): void }) => client.fin(),
  RST: (client: { reset(): void }) => client.reset(),
}
type Way = keyof typeof ways

describe.skipIf(process.platform !== 'linux')('a client that is lost', () => {
  describe.each(Object.keys(ways) as Way[])('by %s', (way) => {
    test.each(phaseNames)('%s, costs next to nothing and leaves nothing', async (name) => {
      const args = phases[name].args(atOnce)
      const server = await ServerUnderTest.start(modelOfPhases(), args)
      const tally = new Tally()
      const round = async (isStream: boolean) => {
        const reached = await reach(server, name, { count: atOnce, isStream })
        const { clients, others } = reached
        const begun = performance.now()
        for (const client of [...clients, ...others]) ways[way](client)
        const after = await quiet(server)
        tally.add(reached, after, performance.now() - begun)
        for (const client of clients) client.socket.destroy()
      }
      for (let i = 0; i < 2; i++) for (const isStream of [true, false]) await round(isStream)
      const before = await baselineOf(server)
      for (let i = 0; i < rounds; i++) for (const isStream of [true, false]) await round(isStream)
      const grownMiB = await expectAsBefore(server, before, { residentMiB: 32 })
      console.log(`${way} ${name}: ${tally}; ${grownMiB.toFixed(1)} MiB more`)
      expect(tally.failed).toBe(0)
      await expectQuietEnd(server)
    })
  })
})
