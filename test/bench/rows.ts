import type { Results } from '../../bench/report/results.js'
import type { Row } from '../../bench/report/row.js'

/** A row of the throughput case, 300 tokens/s against 100. */
export function rowWith(changes: Partial<Row> = {}): Row {
  return {
    case: 'throughput',
    model: 'tiny',
    situation: '8 streams, greedy',
    metric: { label: 'throughput', unit: 'tokens/s', better: 'higher' },
    rival: 'llama-server',
    values: { sluice: [100, 300, 5000], rival: [100] },
    ...changes,
  }
}

export function resultsOf(rows: Row[]): Results {
  const machine = { processor: 'A <B>', cores: 2, memoryGiB: 8, system: 'Linux x64', node: 'v20' }
  const options = {
    ...{ quick: false, rounds: 3, threads: 2, fixesThreads: false, stock: false },
    ...{ kvType: 'f16' as const, model: undefined },
  }
  const one = { date: '2026-01-02T03:04:05Z', commit: 'abc1234', options, rows, others: 0.02 }
  return { machine, llama: 'v1', cases: { throughput: one } }
}
