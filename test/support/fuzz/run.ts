/** Does what a plan says, and has it judged. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from '../../../src/index.js'
import { Client, Door, type Outcome } from './client.js'
import { type EnginePlan, openEngine } from './engine-plan.js'
import { type Ended, Fault, judgeClient, judgeCounts, judgeGauges } from './judge.js'
import type { LoneRuns } from './lone.js'
import type { Call, ClientPlan, Plan } from './plan.js'

const hangsAfterMs = Number(process.env.SLUICE_FUZZ_HANGS_MS ?? 60_000)

/** @returns how each client ended */
export async function run(plan: Plan, lone: LoneRuns): Promise<string[]> {
  const rejections: unknown[] = []
  const onRejection = (reason: unknown) => rejections.push(reason)
  process.on('unhandledRejection', onRejection)
  const engines = await Promise.all(plan.engines.map((engine) => openEngine(engine)))
  const watches = engines.map((engine, i) => watch(engine, plan.engines[i] as EnginePlan))
  try {
    const ended = await withinTime(engines, allClients(plan, engines))
    for (const [i, engine] of engines.entries()) {
      await idle(engine)
      watches[i]?.()
      judgeCounts(
        engine.stats(),
        ended.filter((client) => client.plan.engine === i),
      )
    }
    for (const client of ended) await judgeClient(client, plan, lone)
    if (rejections.length > 0) throw new Fault(`unhandled: ${rejections}`)
    return ended.map(({ outcome }) => outcome.end)
  } finally {
    for (const stop of watches) stop()
    await Promise.all(engines.map((engine) => engine.close()))
    process.off('unhandledRejection', onRejection)
  }
}

async function allClients(plan: Plan, engines: Engine[]): Promise<Ended[]> {
  const doors = plan.engines.map(({ options }) => new Door(options.parallel + options.queue))
  const closing = plan.closes.map(async ({ engine, afterMs }) => {
    await sleep(afterMs)
    await engines[engine]?.close()
  })
  const outcomes: Promise<Outcome>[] = []
  let goOn!: () => void
  const othersEnded = new Promise<void>((resolve) => {
    goOn = resolve
  })
  for (const client of plan.clients) {
    outcomes.push(runClient(client, outcomes, engines, doors, othersEnded))
  }
  // Whoever waits for one that stalls is one of those for whom that one waits no longer.
  const stalls = stallers(plan.clients)
  await Promise.all(outcomes.filter((_, i) => !stalls.has(i)))
  goOn()
  const ended = await Promise.all(outcomes)
  await Promise.all(closing)
  return ended.map((outcome, i) => ({ plan: plan.clients[i] as ClientPlan, outcome }))
}

async function runClient(
  plan: ClientPlan,
  outcomes: Promise<Outcome>[],
  engines: Engine[],
  doors: Door[],
  othersEnded: Promise<void>,
): Promise<Outcome> {
  await Promise.all(plan.after.map((i) => outcomes[i]))
  await sleep(plan.waitMs)
  const [engine, door] = [engines[plan.engine] as Engine, doors[plan.engine] as Door]
  const prompt = await promptOf(plan.call, outcomes)
  return new Client(plan, engine, door, othersEnded).run(prompt)
}

/** Longer ones are begun anew: the context is to hold them. */
const longest = 700

async function promptOf(call: Call, outcomes: Promise<Outcome>[]): Promise<string> {
  if (call.kind !== 'complete') return ''
  const { words, follows } = call.prompt
  if (follows === undefined) return words
  const { prompt, said } = (await outcomes[follows.client]) as Outcome
  const told = prompt + (said[0]?.text ?? '')
  const kept = told.slice(0, Math.ceil(told.length * follows.keeps))
  return kept.length > longest ? words : `${kept} ${words}`
}

/** Those that stall, and those that follow one of them. */
function stallers(clients: ClientPlan[]): Set<number> {
  const stalls = new Set<number>()
  for (const [i, { reader, after }] of clients.entries()) {
    if (reader.how === 'stalls' || after.some((other) => stalls.has(other))) stalls.add(i)
  }
  return stalls
}

async function withinTime<T>(engines: Engine[], work: Promise<T>): Promise<T> {
  const over = new AbortController()
  const hangs = sleep(hangsAfterMs, undefined, { signal: over.signal }).then(
    () => {
      throw new Fault(`it hangs: ${JSON.stringify(engines.map((engine) => engine.stats()))}`)
    },
    () => undefined as never,
  )
  try {
    return await Promise.race([work, hangs])
  } finally {
    over.abort()
  }
}

/** What a signal aborted is on its way out. */
async function idle(engine: Engine): Promise<void> {
  for (let look = 0; look < 5000; look++) {
    const { queued, running, parked } = engine.stats()
    if (queued + running + parked === 0) return
    await sleep(2)
  }
}

function watch(engine: Engine, plan: EnginePlan): () => void {
  let before = engine.stats()
  let fault: unknown
  const look = () => {
    try {
      const now = engine.stats()
      judgeGauges(now, before, plan)
      before = now
    } catch (error) {
      fault ??= error
    }
  }
  const timer = setInterval(look, 3)
  return () => {
    clearInterval(timer)
    look()
    if (fault !== undefined) throw fault
  }
}
