/** What must hold of a run, whatever was drawn and however its threads met. */
import { isDeepStrictEqual } from 'node:util'
import type { EngineStats, Usage } from '../../../src/index.js'
import type { Outcome } from './client.js'
import { type EnginePlan, isExact } from './engine-plan.js'
import type { LoneAnswer, LoneRuns } from './lone.js'
import type { ClientPlan, Plan } from './plan.js'
import { isBeginning } from './said.js'

export class Fault extends Error {}

function must(holds: boolean, what: string, seen: object): void {
  if (!holds) throw new Fault(`${what}: ${JSON.stringify(seen)}`)
}

export interface Ended {
  plan: ClientPlan
  outcome: Outcome
}

/** Ends that come from outside of a request, which a lone one does not have. */
function endsFromOutside({ plan, outcome }: Ended, whole: Plan): Set<string> {
  const ends = new Set<string>()
  const { how } = plan.leave
  const isReply = plan.call.kind === 'complete' || plan.call.kind === 'chat'
  if (isReply && (how === 'breaks' || how === 'throws' || how === 'cancels')) ends.add('cancelled')
  if (how === 'aborts' || how === 'is aborted before') ends.add('ERR_CANCELLED')
  if (outcome.mayOverflow) ends.add('ERR_OVERLOADED')
  if (whole.closes.some(({ engine }) => engine === plan.engine)) ends.add('ERR_CLOSED')
  const { queueDeadlineMs } = (whole.engines[plan.engine] as EnginePlan).options
  if (queueDeadlineMs !== undefined) ends.add('ERR_QUEUE_TIMEOUT')
  return ends
}

/** Its end is an allowed one, and what it read is what it reads alone, or a beginning of it. */
export async function judgeClient(ended: Ended, whole: Plan, lone: LoneRuns): Promise<void> {
  const { plan, outcome } = ended
  const engine = whole.engines[plan.engine] as EnginePlan
  const choices = Math.max(1, outcome.said.length)
  const alone: LoneAnswer[] = []
  for (let choice = 0; choice < choices; choice++) {
    alone.push(await lone.answer(engine, plan.call, outcome.prompt, choice))
  }
  const outside = endsFromOutside(ended, whole)
  if (!isExact(engine) && outcome.result !== undefined) {
    const usual = ['stop', 'length', 'tool_calls', ...outside]
    must(usual.includes(outcome.end), `a reply ended as none may (${usual})`, { plan, outcome })
    return
  }
  const ends = [...alone.map(({ end }) => end), ...outside]
  must(ends.includes(outcome.end), `not one of its ends (${ends})`, { plan, outcome, alone })
  if (outcome.result !== undefined) judgeChoices(ended, alone)
  else if (isExact(engine)) judgeRest(ended, alone)
}

function judgeChoices({ plan, outcome }: Ended, alone: LoneAnswer[]): void {
  for (const [i, result] of (outcome.result?.choices ?? []).entries()) {
    const seen = { plan, outcome, alone: alone[i], choice: i }
    const { said, ...end } = alone[i] as LoneAnswer
    const read = outcome.said[i] as LoneAnswer['said']
    const isCut = outcome.end === 'cancelled' || 'parts' in plan.leave
    if (result.finishReason !== 'cancelled') {
      const { finishReason, stopString, usage } = result
      const ended = { end: finishReason, stopString, value: undefined, ...countsOf(usage) }
      must(isDeepStrictEqual(ended, end), 'a reply ended otherwise than alone', seen)
    }
    if (isCut || plan.reader.how === 'done') {
      must(isBeginning(read, said), 'a reply said what it does not say alone', seen)
    } else {
      must(isDeepStrictEqual(read, said), 'a reply said something else than alone', seen)
    }
    if (!isCut) must(read.text === said.text, 'a reply has another text than alone', seen)
  }
}

function countsOf({ completionTokens, reasoningTokens }: Usage) {
  return { completionTokens, reasoningTokens }
}

/** What failed has said a beginning, and what is no reply has the same answer. */
function judgeRest({ plan, outcome }: Ended, alone: LoneAnswer[]): void {
  for (const [i, read] of outcome.said.entries()) {
    const { said } = alone[i] as LoneAnswer
    must(isBeginning(read, said), 'what failed had said something else', { plan, outcome, said })
  }
  if (outcome.end !== 'done') return
  const [answer] = alone
  const isSame =
    plan.call.kind === 'embed'
      ? areClose(outcome.value as number[][], answer?.value as number[][])
      : isDeepStrictEqual(outcome.value, answer?.value)
  must(isSame, 'another answer than alone', { plan, outcome, answer })
}

/** Sums of vectors are rounded otherwise where more of them are computed together. */
function areClose(a: number[][], b: number[][]): boolean {
  return a.every((vector, i) => {
    return vector.every((value, at) => Math.abs(value - (b[i]?.[at] ?? Number.NaN)) < 5e-3)
  })
}

const idle = { queued: 0, running: 0, parked: 0, cellsUsed: 0 }

/** Every request is counted once, as its reader heard it end. */
export function judgeCounts(stats: EngineStats, ended: Ended[]): void {
  const counts = { started: 0, finished: 0, cancelled: 0, failed: 0 }
  let unknown = 0
  for (const { plan, outcome } of ended) {
    if (plan.call.kind === 'text' || outcome.wasRefused || outcome.end === 'ERR_OVERLOADED')
      continue
    const ends = endsOf(outcome)
    counts.started += Math.max(1, outcome.said.length)
    unknown += Math.max(1, outcome.said.length) - ends.length
    for (const end of ends) counts[end]++
  }
  const { started, finished, cancelled, failed } = stats
  const seen = { counts, unknown, stats }
  must(isDeepStrictEqual({ ...idle, ...pick(stats) }, pick(stats)), 'not idle after all', seen)
  must(started === counts.started, 'not every request was started once', seen)
  must(started === finished + cancelled + failed, 'a request has no end', seen)
  const more = [finished - counts.finished, cancelled - counts.cancelled, failed - counts.failed]
  must(
    more.every((count) => count >= 0),
    'an end is not counted as it was heard',
    seen,
  )
  must(more.reduce((sum, count) => sum + count, 0) === unknown, 'ends are counted twice', seen)
  const byPhase =
    stats.cancelledQueued + stats.cancelledPrefill + stats.cancelledDecode + stats.cancelledParked
  must(byPhase === cancelled, 'the cancelled are not all counted by how far they came', seen)
}

function pick({ queued, running, parked, cellsUsed }: EngineStats) {
  return { queued, running, parked, cellsUsed }
}

/** Of each of its requests; of a reply of several choices that failed, of one only. */
function endsOf({ end, result }: Outcome): ('finished' | 'cancelled' | 'failed')[] {
  if (result !== undefined) {
    return result.choices.map(({ finishReason }) => {
      return finishReason === 'cancelled' ? 'cancelled' : 'finished'
    })
  }
  if (end === 'done') return ['finished']
  return [end === 'ERR_CANCELLED' ? 'cancelled' : 'failed']
}

/** At any moment. */
export function judgeGauges(stats: EngineStats, before: EngineStats, plan: EnginePlan): void {
  const { parallel, cacheMiB = 0 } = plan.options
  const seen = { stats, before }
  must(
    Object.values(pick(stats)).every((count) => count >= 0),
    'a gauge is below zero',
    seen,
  )
  must(stats.running <= parallel || plan.embeds, 'more run than there are places', seen)
  must(stats.cellsUsed <= stats.cellsTotal, 'more cells are used than there are', seen)
  must(stats.cacheBytes <= cacheMiB * 2 ** 20, 'more is kept than may be', seen)
  for (const count of ['started', 'finished', 'cancelled', 'failed', 'steps'] as const) {
    must(stats[count] >= before[count], `${count} goes down`, seen)
  }
}
