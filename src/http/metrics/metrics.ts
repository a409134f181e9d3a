import { Counter, Registry } from 'prom-client'
import type { ModelHost } from '../../host/model-host.js'
import type { AccessEntry } from '../../web/access-log.js'
import type { ModelUsage } from '../../web/call.js'
import { type ModelStats, registerEngineMetrics } from './engine-metrics.js'
import { registerModelMetrics } from './model-metrics.js'
import { ReplyMetrics } from './reply-metrics.js'

type MetricsHost = Pick<ModelHost, 'loaded' | 'numbers'>

/**
 * What one listener tells Prometheus, in vLLM's vocabulary with a prefix of its own. A registry of
 * its own too: two servers in a process count apart. Owned by App.
 */
export class Metrics {
  readonly #registry = new Registry()
  readonly #replies: ReplyMetrics
  readonly #requests: Counter
  readonly #errors: Counter
  readonly #dropped: Counter
  readonly #host: MetricsHost
  /** Of the scrape under way: all of its numbers are of one moment. */
  #stats: readonly ModelStats[] = []

  constructor(host: MetricsHost) {
    this.#host = host
    registerEngineMetrics(this.#registry, () => this.#stats)
    if (host.numbers() !== undefined) registerModelMetrics(this.#registry, () => host.numbers())
    this.#replies = new ReplyMetrics(this.#registry)
    const registers = [this.#registry]
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
    return this.#registry.contentType
  }

  /** A request has ended, with what it had of a model. */
  observe(entry: AccessEntry, usage: ModelUsage | undefined): void {
    // What a client made up is no label: there would be as many as it likes.
    const { method, route = 'none', status, outcome, code = 'invalid_request' } = entry
    this.#requests.inc({ method: method || 'none', route, status })
    if (outcome === 'failed') this.#errors.inc({ code })
    if (usage === undefined) return
    for (const reply of usage.replies) this.#replies.observe(usage.model, reply)
  }

  /** A connection was closed on arrival. */
  drop(): void {
    this.#dropped.inc()
  }

  /** All of it, in Prometheus' text format. */
  text(): Promise<string> {
    const models = this.#host.loaded()
    for (const { names } of models) this.#replies.begin(names[0])
    this.#stats = models.map(({ names, engine }) => ({ model: names[0], stats: engine.stats() }))
    return this.#registry.metrics()
  }
}
