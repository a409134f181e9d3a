/**
 * What llm-d's endpoint picker does with a scrape, as its source says it (llm-d-router v0.10.0: the
 * plugins core-metrics-extractor, queue-scorer, kv-cache-utilization-scorer, lora-affinity-scorer
 * and max-score-picker, with the names that it has for engine-type vllm).
 */

/** What it keeps of a model server. */
export interface PodMetrics {
  readonly waiting: number
  readonly running: number
  /** 0 to 1. */
  readonly cacheUsage: number
  readonly blockSize: number
  readonly blocks: number
  /** Adapters that are computed with, and that are waited for. */
  readonly active: readonly string[]
  readonly queued: readonly string[]
  readonly adaptersMax: number
}

interface Series {
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

/** Reads the text format: each family's series, in their order. */
function familiesOf(text: string): Map<string, Series[]> {
  const families = new Map<string, Series[]>()
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] =
      /^([a-zA-Z_:]\w*(?::\w+)*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    if (name === undefined || line.startsWith('#')) continue
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)]
    const series = {
      labels: new Map(pairs.map(([, key = '', of = '']) => [key, of])),
      value: Number(value),
    }
    families.set(name, [...(families.get(name) ?? []), series])
  }
  return families
}

/** A scrape without one of the four families that it wants is an error, told and gone on from. */
export function scraped(text: string): { metrics: PodMetrics; errors: string[] } {
  const families = familiesOf(text)
  const errors: string[] = []
  /** Of several series without a time the first counts. */
  const first = (name: string): Series | undefined => {
    const [series] = families.get(name) ?? []
    if (series === undefined) errors.push(`metric family ${name} not found`)
    return series
  }
  const cache = first('vllm:cache_config_info')?.labels
  const adapters = newest(families.get('vllm:lora_requests_info') ?? [])?.labels
  const metrics = {
    waiting: Math.trunc(first('vllm:num_requests_waiting')?.value ?? 0),
    running: Math.trunc(first('vllm:num_requests_running')?.value ?? 0),
    cacheUsage: first('vllm:kv_cache_usage_perc')?.value ?? 0,
    blockSize: Number(cache?.get('block_size') ?? 0),
    blocks: Number(cache?.get('num_gpu_blocks') ?? 0),
    active: listOf(adapters?.get('running_lora_adapters')),
    queued: listOf(adapters?.get('waiting_lora_adapters')),
    adaptersMax: Number(adapters?.get('max_lora') ?? 0),
  }
  return { metrics, errors }
}

/** By its value, which is a time. */
function newest(series: readonly Series[]): Series | undefined {
  return series.toSorted((a, b) => b.value - a.value)[0]
}

function listOf(names = ''): string[] {
  return names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

/** The place of the server with the highest sum of scores; of equal ones the first. */
export function pick(pods: readonly PodMetrics[], model: string): number {
  const waits = pods.map(({ waiting }) => waiting)
  const [least, most] = [Math.min(...waits), Math.max(...waits)]
  const scores = pods.map((pod) => {
    const queue = most === least ? 1 : (most - pod.waiting) / (most - least)
    return queue + (1 - pod.cacheUsage) + adapterScore(pod, model)
  })
  return scores.indexOf(Math.max(...scores))
}

function adapterScore({ active, queued, adaptersMax }: PodMetrics, model: string): number {
  if (active.includes(model)) return 1
  if (active.length + queued.length < adaptersMax) return 0.8
  return queued.includes(model) ? 0.6 : 0
}
