import type { BenchCase } from './bench-case.js'
import { busy } from './busy.js'
import { cancellation } from './cancellation.js'
import { ceiling } from './ceiling.js'
import { coldStart } from './cold-start.js'
import { conversation } from './conversation.js'
import { decisions } from './decisions.js'
import { inProcess } from './in-process.js'
import { interference } from './interference.js'
import { memory } from './memory.js'
import { prefill } from './prefill.js'
import { restart } from './restart.js'
import { sharedPrefix } from './shared-prefix.js'
import { speculation } from './speculation.js'
import { stalledReaders } from './stalled-readers.js'
import { structured } from './structured.js'
import { throughput } from './throughput.js'

/** In the order they run and are shown. */
export const cases: readonly BenchCase[] = [
  throughput,
  ceiling,
  inProcess,
  decisions,
  prefill,
  interference,
  busy,
  cancellation,
  sharedPrefix,
  conversation,
  stalledReaders,
  structured,
  speculation,
  coldStart,
  restart,
  memory,
]
