import { Counter, Gauge, type Registry } from 'prom-client'
import type { EngineStats } from '../../api/types.js'
import type { NameOf } from './names.js'
import { modelLabel } from './reply-metrics.js'

type Stats = EngineStats

/** Read from the engine at the scrape: they cost nothing otherwise. */
interface EngineMetric {
  readonly name: string
  readonly help: string
  readonly value: (stats: Stats) => number
}

interface LabelledMetric extends Omit<EngineMetric, 'value'> {
  readonly label: string
  readonly values: Readonly<Record<string, (stats: Stats) => number>>
}

const gauges: readonly EngineMetric[] = [
  {
    name: 'sluice_num_requests_running',
    help: 'Replies that have a slot and are computed.',
    value: ({ running }) => running,
  },
  {
    name: 'sluice_num_requests_waiting',
    help: 'Requests that wait for a slot, those that are being tokenized among them.',
    value: ({ queued }) => queued,
  },
  {
    name: 'sluice_num_requests_parked',
    help: 'Replies that wait for their readers.',
    value: ({ parked }) => parked,
  },
  {
    name: 'sluice_kv_cache_usage_perc',
    help: 'Share of the KV cache that holds replies under way; 1 is all of it.',
    value: ({ cellsUsed, cellsTotal }) => share(cellsUsed, cellsTotal),
  },
  {
    name: 'sluice_kv_cache_retained_perc',
    help: 'Share of the KV cache that holds what free slots computed, for others to begin with.',
    value: ({ cellsCached, cellsTotal }) => share(cellsCached, cellsTotal),
  },
  {
    name: 'sluice_cache_bytes',
    help: 'Bytes of host memory that kept states take.',
    value: ({ cacheBytes }) => cacheBytes,
  },
  {
    name: 'sluice_cache_entries',
    help: 'States that are kept in host memory.',
    value: ({ cacheEntries }) => cacheEntries,
  },
  {
    name: 'sluice_cache_disk_bytes',
    help: 'Bytes of all states on disk, of other models too.',
    value: ({ diskBytes }) => diskBytes,
  },
  {
    name: 'sluice_cache_disk_entries',
    help: 'States on disk that the engine can use, or is about to write.',
    value: ({ diskEntries }) => diskEntries,
  },
  {
    name: 'sluice_step_seconds',
    help: 'Seconds that a step of the engine takes: moving average over the last 20 or so.',
    value: ({ stepMs }) => stepMs / 1000,
  },
]

const counters: readonly EngineMetric[] = [
  {
    name: 'sluice_prompt_tokens_total',
    help: 'Tokens of the prompts that got a slot.',
    value: ({ promptTokens }) => promptTokens,
  },
  {
    name: 'sluice_generation_tokens_total',
    help: 'Tokens that were generated.',
    value: ({ tokensGenerated }) => tokensGenerated,
  },
  {
    name: 'sluice_prefix_cache_queries_total',
    help: 'Prompt tokens whose state was looked for.',
    value: ({ promptTokens }) => promptTokens,
  },
  {
    name: 'sluice_prefix_cache_hits_total',
    help: 'Of them, those whose state was there and was not computed again.',
    value: ({ cachedTokens }) => cachedTokens,
  },
  {
    name: 'sluice_cache_disk_reads_total',
    help: 'States that were read from disk.',
    value: ({ diskReads }) => diskReads,
  },
  {
    name: 'sluice_cache_disk_read_bytes_total',
    help: 'Bytes of these.',
    value: ({ diskReadBytes }) => diskReadBytes,
  },
  {
    name: 'sluice_cache_disk_writes_total',
    help: 'States that were written to disk.',
    value: ({ diskWrites }) => diskWrites,
  },
  {
    name: 'sluice_cache_disk_written_bytes_total',
    help: 'Bytes of these.',
    value: ({ diskWrittenBytes }) => diskWrittenBytes,
  },
  {
    name: 'sluice_cache_disk_dropped_total',
    help: 'States that were worth it and were not written.',
    value: ({ diskDropped }) => diskDropped,
  },
  {
    name: 'sluice_cache_disk_errors_total',
    help: 'Faults of the disk, and damaged states.',
    value: ({ diskErrors }) => diskErrors,
  },
  {
    name: 'sluice_num_preemptions_total',
    help: 'Times that a reply gave up its slot for another.',
    value: ({ preempted }) => preempted,
  },
  {
    name: 'sluice_spec_decode_num_draft_tokens_total',
    help: 'Tokens that were drafted.',
    value: ({ draftTokens }) => draftTokens,
  },
  {
    name: 'sluice_spec_decode_num_accepted_tokens_total',
    help: 'Of them, those that became part of a reply.',
    value: ({ draftAcceptedTokens }) => draftAcceptedTokens,
  },
  {
    name: 'sluice_engine_steps_total',
    help: 'Turns of the step loop that computed something.',
    value: ({ steps }) => steps,
  },
  {
    name: 'sluice_engine_decode_steps_total',
    help: 'Of them, those that held at least one generating row.',
    value: ({ decodeSteps }) => decodeSteps,
  },
  {
    name: 'sluice_requests_started_total',
    help: 'Requests that the engine took in.',
    value: ({ started }) => started,
  },
]

const labelledCounters: readonly LabelledMetric[] = [
  {
    name: 'sluice_requests_ended_total',
    help: 'Requests that left the engine, by how: in the end as many as were started.',
    label: 'outcome',
    values: {
      finished: ({ finished }) => finished,
      cancelled: ({ cancelled }) => cancelled,
      failed: ({ failed }) => failed,
    },
  },
  {
    name: 'sluice_requests_cancelled_total',
    help: 'Cancelled requests, by how far they had come.',
    label: 'phase',
    values: {
      queued: ({ cancelledQueued }) => cancelledQueued,
      prefill: ({ cancelledPrefill }) => cancelledPrefill,
      decode: ({ cancelledDecode }) => cancelledDecode,
      parked: ({ cancelledParked }) => cancelledParked,
    },
  },
  {
    name: 'sluice_engine_restarts_total',
    help: "Times that the engine's own process was started again, by why the last one died.",
    label: 'reason',
    values: {
      crashed: ({ restartsCrashed }) => restartsCrashed,
      stalled: ({ restartsStalled }) => restartsStalled,
      failed: ({ restartsFailed }) => restartsFailed,
    },
  },
  {
    name: 'sluice_engine_seconds_total',
    help: "Seconds of the engine's thread, by what it did.",
    label: 'work',
    values: {
      plan: ({ planMs }) => planMs / 1000,
      compute: ({ computeMs }) => computeMs / 1000,
      sample: ({ sampleMs }) => sampleMs / 1000,
      text: ({ textMs }) => textMs / 1000,
      wake: ({ wakeMs }) => wakeMs / 1000,
      idle: ({ idleMs }) => idleMs / 1000,
    },
  },
  {
    name: 'sluice_engine_rows_total',
    help: 'Rows that were given to llama_decode: of prompts, and of replies with their drafts.',
    label: 'kind',
    values: {
      prompt: ({ rowsPrefilled }) => rowsPrefilled,
      reply: ({ rowsDecoded, rowsPrefilled }) => rowsDecoded - rowsPrefilled,
    },
  },
]

/** What a model's engine counts. */
export interface ModelStats {
  /** The model's own name. */
  readonly model: string
  readonly stats: Stats
  /** Names of its LoRA adapters, by their places. */
  readonly adapters: readonly string[]
}

/** Registers what engines count. It is read at the scrape, from each model in memory. */
export function registerEngineMetrics(
  registry: Registry,
  nameOf: NameOf,
  loaded: () => readonly ModelStats[],
): void {
  const registers = [registry]
  const labelNames = [modelLabel]
  for (const { name: own, help, value } of gauges) {
    const name = nameOf(own)
    const collect = () => {
      gauge.reset()
      for (const { model, stats } of loaded()) gauge.set({ [modelLabel]: model }, value(stats))
    }
    const gauge = new Gauge({ name, help, labelNames, registers, collect })
  }
  for (const { name: own, help, value } of counters) {
    const name = nameOf(own)
    const collect = () => {
      counter.reset() // the engine counts; this only repeats it
      for (const { model, stats } of loaded()) counter.inc({ [modelLabel]: model }, value(stats))
    }
    const counter = new Counter({ name, help, labelNames, registers, collect })
  }
  for (const { name, help, label, values } of labelledCounters) {
    const collect = () => {
      counter.reset()
      for (const { model, stats } of loaded()) {
        for (const [key, value] of Object.entries(values)) {
          counter.inc({ [label]: key, [modelLabel]: model }, value(stats))
        }
      }
    }
    const counter = new Counter({ name, help, labelNames: [label, modelLabel], registers, collect })
  }
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}
