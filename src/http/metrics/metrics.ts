import { Counter, Registry } from 'prom-client'
import type { ModelHost } from '../../host/model-host.js'
import type { AccessEntry } from '../../web/access-log.js'
import type { ModelUsage } from '../../web/call.js'
import { type ModelStats, registerEngineMetrics } from './engine-metrics.js'
import { registerInfoMetrics } from './info-metrics.js'
import { registerModelMetrics } from './model-metrics.js'
import { type MetricsNames, nameIn } from './names.js'
import { ReplyMetrics } from './reply-metrics.js'

type MetricsHost = Pick<ModelHost, 'loaded' | 'numbers'>

/**
 * What one listener tells Prometheus, in vLLM's vocabulary, with a prefix of ours or with vLLM's.
 * A registry of its own: two servers in a process count apart. Owned by App.
 */
export class Metrics {
  /** What is read at each scrape. */
  readonly #read = new Registry()
  /** What is counted here, and its text, which is made anew after a count only. */
  readonly #counted = new Registry()
  #countedText: Promise<string> | undefined
  readonly #replies: ReplyMetrics
  readonly #requests: Counter
  readonly #errors: Counter
  readonly #dropped: Counter
  readonly #host: MetricsHost
  /** Of the scrape under way: all of its numbers are of one moment. */
  #stats: readonly ModelStats[] = []

  constructor(host: MetricsHost, names: MetricsNames = 'sluice') {
    this.#host = host
    const nameOf = nameIn(names)
    registerEngineMetrics(this.#read, nameOf, () => this.#stats)
    registerInfoMetrics(this.#read, nameOf, () => this.#stats)
    if (host.numbers() !== undefined) registerModelMetrics(this.#read, () => host.numbers())
    this.#replies = new ReplyMetrics(this.#counted, nameOf)
    const registers = [this.#counted]
    this.#requests = new Counter({
      name: 'sluice_http_requests_total',
      help: 'HTTP requests that have ended. Status 0: the client left before one was sent.',
      labelNames: ['method', 'route', 'status'],
      registers,
    })
    this.#errors = new Counter({
      name: 'sluice_request_errors_total',
      help: 'HTTP requests that were answered with an error, or ended by one, by its code.',
      labelNames: ['code'],
      registers,
    })
    this.#dropped = new Counter({
      name: 'sluice_http_connections_dropped_total',
      help: 'Connections that were closed on arrival, because there were as many as there may be.',
      registers,
    })
  }

  get contentType(): string {
    return this.#read.contentType
  }

  /** A request has ended, with what it had of a model. */
  observe(entry: AccessEntry, usage: ModelUsage | undefined): void {
    this.#countedText = undefined
    // What a client made up is no label: there would be as many as it likes.
    const { method, route = 'none', status, outcome, code = 'invalid_request' } = entry
    this.#requests.inc({ method: method || 'none', route, status })
    if (outcome === 'failed') this.#errors.inc({ code })
    if (usage === undefined) return
    for (const reply of usage.replies) this.#replies.observe(usage.model, reply)
  }

  /** A connection was closed on arrival. */
  drop(): void {
    this.#countedText = undefined
    this.#dropped.inc()
  }

  /** All of it, in Prometheus' text format. */
  async text(): Promise<string> {
    const models = this.#host.loaded()
    for (const { names } of models) {
      if (this.#replies.begin(names[0])) this.#countedText = undefined
    }
    this.#stats = models.map(({ names, adapters, engine }) => {
      return { model: names[0], adapters, stats: engine.stats() }
    })
    // A scraper may ask 20 times a second, and most of the page are histograms of ended replies.
    this.#countedText ??= this.#counted.metrics()
    const [read, counted] = await Promise.all([this.#read.metrics(), this.#countedText])
    return read + counted
  }
}
