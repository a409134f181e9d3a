import type { BenchCase } from './bench-case.js'
import { throughput } from './throughput.js'

/** In the order they run and are shown. */
export const cases: readonly BenchCase[] = [throughput]
