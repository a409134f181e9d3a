import type { BenchCase } from './bench-case.js'
import { cancellation } from './cancellation.js'
import { conversation } from './conversation.js'
import { interference } from './interference.js'
import { sharedPrefix } from './shared-prefix.js'
import { stalledReaders } from './stalled-readers.js'
import { throughput } from './throughput.js'

/** In the order they run and are shown. */
export const cases: readonly BenchCase[] = [
  throughput,
  interference,
  cancellation,
  sharedPrefix,
  conversation,
  stalledReaders,
]
