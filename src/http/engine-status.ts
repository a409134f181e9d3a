import type { EngineStats, SlotStats } from '../api/types.js'
import type { LoadedModel, ModelEntry } from '../host/model-host.js'
import { type Answer, json } from '../web/answer.js'
import type { App } from './app.js'

/**
 * GET /engine: what each engine does now, for who watches. Counters are raw, so that the server
 * keeps nothing for it: the difference of two answers is a rate. No prompt is told, nor whose it
 * is. Also while the server drains.
 */
export function engineStatus({ host }: App): Answer {
  const numbers = host.numbers()
  const loaded = host.loaded()
  const models = host.entries().map((entry) => {
    const own = numbers?.models.find(({ name }) => name === entry.names[0])
    const here = loaded.find(({ names }) => names[0] === entry.names[0])
    return {
      ...modelStatus(entry),
      ...(own === undefined ? {} : { waiting: own.waiting, bytes: own.bytes ?? null }),
      engine: here === undefined ? null : engineNow(here),
    }
  })
  return json(200, {
    uptime_ms: Math.round(performance.now()),
    ...(numbers === undefined
      ? {}
      : { memory: { bytes: numbers.bytes, budget_bytes: numbers.budgetBytes } }),
    models,
  })
}

function modelStatus({ names: [model, ...aliases], state }: ModelEntry) {
  return { model, aliases, state }
}

function engineNow({ engine, model, settings }: LoadedModel) {
  const stats = engine.stats()
  const { parallel, context, queue, cacheMiB } = settings
  return {
    description: model.description,
    parallel,
    context,
    slots: stats.slots.map(slotNow),
    queued: stats.queued,
    queue_max: queue,
    running: stats.running,
    parked: stats.parked,
    busy: stats.busy,
    step_ms: stats.stepMs,
    kv_cells: { used: stats.cellsUsed, cached: stats.cellsCached, total: stats.cellsTotal },
    kept: {
      states: stats.cacheEntries,
      bytes: stats.cacheBytes,
      bytes_max: cacheMiB * 2 ** 20,
    },
    totals: totalsOf(stats),
  }
}

function slotNow(slot: SlotStats | null) {
  if (slot === null) return null
  return {
    request: slot.request,
    phase: slot.phase,
    prompt_tokens: slot.promptTokens,
    cached_tokens: slot.cachedTokens,
    computed_tokens: slot.computedTokens,
    completion_tokens: slot.completionTokens,
  }
}

function totalsOf(stats: EngineStats) {
  return {
    prompt_tokens: stats.promptTokens,
    cached_tokens: stats.cachedTokens,
    prefilled_tokens: stats.rowsPrefilled,
    generated_tokens: stats.tokensGenerated,
    steps: stats.steps,
    preempted: stats.preempted,
    started: stats.started,
    finished: stats.finished,
    cancelled: stats.cancelled,
    failed: stats.failed,
  }
}
