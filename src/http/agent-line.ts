import type { EngineStats } from '../api/types.js'
import type { ModelHost } from '../host/model-host.js'
import type { App } from './app.js'

/** What an engine has room for, and what it has to do. */
interface Load {
  readonly parallel: number
  readonly requests: number
}

/**
 * A server's answer to an agent-check of HAProxy: what to do with it, and for one that serves its
 * weight in percent of what is configured. Not `drain`, with which HAProxy still sends what its
 * table says belongs here. Not `ready`, which would take back an operator's own drain or maint.
 */
export function agentLine({ host, isDraining }: Pick<App, 'host' | 'isDraining'>): string {
  if (isDraining) return 'stopped'
  if (!isServing(host)) return 'down'
  return `up ${weightOf(host.loaded().map(loadOf))}%`
}

function isServing(host: ModelHost): boolean {
  if (host.isRestarting) return false
  try {
    host.check()
    return true
  } catch {
    return false // what keeps it from serving is told at /health
  }
}

function loadOf({ settings, engine }: ReturnType<ModelHost['loaded']>[number]): Load {
  const { running, parked, queued }: EngineStats = engine.stats()
  return { parallel: settings.parallel, requests: running + parked + queued }
}

/**
 * 100 for an idle engine, 50 for one whose slots are all taken, less the more requests wait. Never
 * 0, which would keep the one server away that a conversation belongs to. Of several models those
 * in memory count together.
 */
export function weightOf(loads: readonly Load[]): number {
  const parallel = loads.reduce((sum, one) => sum + one.parallel, 0)
  const requests = loads.reduce((sum, one) => sum + one.requests, 0)
  if (requests === 0) return 100
  return Math.max(1, Math.round((100 * parallel) / (parallel + requests)))
}
