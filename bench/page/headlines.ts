import type { Row } from '../report/row.js'

/** A row that stands for its case on the plot, in words for a reader who knows none of this. */
export interface Headline {
  case: string
  model: string
  situation: string
  metric: string
  words: string
}

const tiny = { case: 'throughput', model: 'tiny', metric: 'throughput' }
const interference = { case: 'interference', model: 'small', situation: '4,000 tokens' }

export const headlines: readonly Headline[] = [
  { ...tiny, situation: '8 streams, greedy', words: '8 streams, 5 MB model' },
  { ...tiny, situation: '32 streams, greedy', words: '32 streams, 5 MB model' },
  { ...tiny, situation: '128 streams, greedy', words: '128 streams, 5 MB model' },
  { ...tiny, model: 'small', situation: '8 streams, greedy', words: '8 streams, 200 MB model' },
  {
    case: 'in-process',
    model: 'small',
    situation: '8 replies, greedy',
    metric: 'throughput',
    words: '8 replies in process (node-llama-cpp)',
  },
  {
    ...interference,
    metric: 'longest pause of running streams',
    words: 'a long prompt arrives: longest pause',
  },
  {
    ...interference,
    metric: 'first token of the short prompt',
    words: 'a short prompt behind it: first token',
  },
  {
    case: 'cancellation',
    model: 'small',
    situation: 'idle, one slot',
    metric: 'extra after a client left in prefill',
    words: 'a client leaves in prefill: the next waits',
  },
  {
    case: 'shared-prefix',
    model: 'small',
    situation: '16 clients',
    metric: 'first token p95, prompt is new',
    words: '16 clients, one new system prompt: p95',
  },
  {
    case: 'stalled-readers',
    model: 'tiny',
    situation: '4 stalled, 10 slots',
    metric: 'share of the speed that is left',
    words: '4 stalled readers: speed left to others',
  },
]

export function rowOf(rows: readonly Row[], headline: Headline): Row | undefined {
  return rows.find(
    (row) =>
      row.case === headline.case &&
      row.model === headline.model &&
      row.situation === headline.situation &&
      row.metric.label === headline.metric,
  )
}
