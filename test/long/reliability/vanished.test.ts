import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, test } from 'vitest'
import {
  byCable,
  makeNetwork,
  plugCable,
  removeNetwork,
  startFarServer,
} from '../../support/reliability/far-server.js'
import {
  baselineOf,
  descriptorsBack,
  expectAsBefore,
  expectQuietEnd,
  quiet,
} from '../../support/reliability/invariants.js'
import {
  modelOfPhases,
  type PhaseName,
  phaseNames,
  phases,
  reach,
} from '../../support/reliability/phases.js'
import { Tally } from '../../support/reliability/tally.js'
import { whyNoNamespaces } from '../../support/workers/namespaces.js'

// Clients that vanish without a packet, as one whose network is gone: the cable between them and
// the server is pulled. docs/reliability.md has the figures.

const why = whyNoNamespaces()
const clientsOfPhase = 48
const stallMs = 12_000
/** What has deadlines of its own: those of headers and of a whole request. */
const deadlineMs: Partial<Record<PhaseName, number>> = {
  'before its headers are whole': 10_000,
  'with half of its body sent': 60_000,
}

/** The reply begins after its client has vanished: from its first packet it has that time again. */
const begunLater: readonly PhaseName[] = ['queued', 'being tokenized', 'in prefill']

describe.skipIf(why !== undefined)(`a client that vanishes${why ? ` (${why})` : ''}`, () => {
  beforeAll(makeNetwork)
  afterAll(removeNetwork)

  test.each(phaseNames)('%s, is noticed, and leaves nothing', async (name) => {
    const forms = deadlineMs[name] === undefined ? [true, false] : [true]
    const count = clientsOfPhase / forms.length
    const args = [...phases[name].args(count), '--reader-stall-ms', String(stallMs)]
    const server = await startFarServer(modelOfPhases(), args)
    // First as long as it takes to notice them, so that memory is what such replies take.
    for (const isStream of forms) {
      const { clients, others } = await reach(server, name, { count, isStream, from: count })
      for (const client of others) client.reset()
      await sleep(stallMs)
      for (const client of clients) client.reset()
      await quiet(server)
    }
    const before = await baselineOf(server)
    const tally = new Tally()
    const waits = begunLater.includes(name) ? 2 : 1
    const limitMs = (deadlineMs[name] ?? waits * stallMs) + 6000
    for (const isStream of forms) {
      const reached = await reach(server, name, { count, isStream, host: byCable })
      const { clients, others } = reached
      plugCable(false)
      try {
        const begun = performance.now()
        for (const client of others) client.reset()
        const after = await quiet(server, limitMs)
        await descriptorsBack(server, before, limitMs)
        tally.add(reached, after, performance.now() - begun)
      } finally {
        plugCable(true) // the next phase needs it
      }
      for (const client of clients) client.socket.destroy()
    }
    const grownMiB = await expectAsBefore(server, before, { heldMiB: 48 })
    console.log(`vanished ${name}: ${tally}; ${grownMiB.toFixed(1)} MiB more`)
    await expectQuietEnd(server)
  })
})
