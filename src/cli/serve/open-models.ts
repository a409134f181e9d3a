import { SluiceError } from '../../api/errors.js'
import type { ModelEvent } from '../../api/models-types.js'
import { describeFault } from '../../http/fault.js'
import type { serveFlags } from '../../options/command-flags.js'
import type { Settled } from '../../options/flags.js'
import { parseModelsOptions } from '../../options/models-options.js'
import { type Models, models } from '../../pool/models.js'
import { printWarning } from '../load-options.js'
import type { Log } from '../log-events.js'
import { pullModels } from './pull-models.js'
import { servedModels } from './served-models.js'

interface OpenedModels {
  readonly pool: Models
  /** Loads those that are to be there from the start on. */
  begin(): void
}

/**
 * The models of `serve`, by its flags and its config file. Those of the Hub are pulled first, where
 * the cache does not have them. Its log hears of loads and unloads.
 */
export async function openModels(
  flags: Settled<typeof serveFlags>,
  log: Log,
  stop: AbortSignal,
): Promise<OpenedModels> {
  const { options, atStart } = await servedModels(flags)
  parseModelsOptions(options) // what is wrong is told before minutes of downloads
  await pullModels(options.models, stop)
  const onEvent = (event: ModelEvent) => tell(log, event)
  const pool = models({ ...options, onEvent, onWarning: printWarning })
  const begin = () => {
    for (const name of atStart) pool.load(name).catch(() => undefined) // the log has heard of it
  }
  return { pool, begin }
}

function tell(log: Log, event: ModelEvent): void {
  const { model, kind } = event
  if (kind === 'loading') log.life('loading', { model })
  else if (kind === 'unloaded') log.life('unloaded', { model, reason: event.reason })
  else if (kind === 'crashed') log.life('crashed', { model, ...event.crash })
  else if (kind === 'failed') {
    log.life('failed', { model, error: inWords(event.error), retryMs: event.retryMs })
  } else {
    const durationMs = Math.round(event.durationMs)
    log.life('loaded', { model, durationMs, mib: Math.round(event.bytes / 2 ** 20) })
  }
}

/** Of what is no error of ours the message may hold anything. */
function inWords(error: unknown): string {
  if (error instanceof SluiceError) return `${error.message} (${error.code})`
  return describeFault(error).name
}
