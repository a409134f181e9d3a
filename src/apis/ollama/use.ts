import type { Need } from '../../host/model-host.js'
import type { Call } from '../../web/call.js'
import type { EarlyStream } from '../../web/early.js'
import type { ModelInUse, Service } from '../api.js'

/** When a request came, and how long it waited for its model. */
export interface Clock {
  readonly startedAt: number
  readonly loadMs: number
}

interface Used extends ModelInUse {
  readonly clock: Clock
}

/** What a request says of its model. */
export interface Asked {
  readonly model?: string | undefined
  /** Milliseconds; Infinity is ever. */
  readonly keep_alive?: number | undefined
}

/** The model until the call ends, and in memory for as long as the request says. */
export async function usedModel(
  service: Service,
  call: Call,
  { model, keep_alive: keepMs }: Asked,
  need: Need,
  early?: EarlyStream,
): Promise<Used> {
  const startedAt = performance.now()
  const used = await service.lease(call, model, need, early)
  const loadMs = performance.now() - startedAt
  if (keepMs !== undefined) keep(service, call, model, keepMs)
  return { ...used, clock: { startedAt, loadMs } }
}

function keep(service: Service, call: Call, model: string | undefined, keepMs: number): void {
  const hasEffect = service.host.keep(model, keepMs)
  if (hasEffect || keepMs === Number.POSITIVE_INFINITY) return
  const message = "the server's only model stays as long as the server, so it had no effect"
  call.note([{ path: 'keep_alive', message }])
}
