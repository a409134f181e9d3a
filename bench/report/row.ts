import type { Samples } from '../servers/pair.js'
import { median } from './statistics.js'

export interface Metric {
  label: string
  unit: 'tokens/s' | 'ms' | 'tokens' | 'KiB' | 'MiB' | '%'
  better: 'higher' | 'lower'
}

/** One measured quantity on both sides: a line of the tables, and of the JSON file. */
export interface Row {
  case: string
  model: string
  /** Under which load, for example `8 streams, greedy`. */
  situation: string
  metric: Metric
  rival: string
  /** A value a round. */
  values: Samples<number>
}

/** How many times better Sluice's median is. */
export function ratio({ metric, values }: Row): number {
  const sluice = median(values.sluice)
  const rival = median(values.rival)
  return metric.better === 'higher' ? sluice / rival : rival / sluice
}

/** The same in the round in which Sluice did worst beside the other. */
export function worstRatio({ metric, values }: Row): number {
  const ratios = values.sluice.map((sluice, round) => {
    const rival = values.rival[round] ?? Number.NaN
    return metric.better === 'higher' ? sluice / rival : rival / sluice
  })
  return Math.min(...ratios)
}

/** One row for each metric of what a measurement returned in each round. */
export function rowsOf<K extends string>(
  heading: Pick<Row, 'case' | 'model' | 'situation'> & { rival?: string },
  metrics: Record<K, Metric>,
  samples: Samples<Record<K, number>>,
): Row[] {
  return (Object.keys(metrics) as K[]).map((key) => ({
    rival: 'llama-server',
    ...heading,
    metric: metrics[key],
    values: {
      sluice: samples.sluice.map((one) => one[key]),
      rival: samples.rival.map((one) => one[key]),
    },
  }))
}
