import { get } from 'node:http'

/** What a server's GET /metrics says. */
export class Metrics {
  readonly #series: readonly (readonly [name: string, labels: string, value: number])[]

  constructor(text: string) {
    const lines = text.split('\n').map((line) => /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line))
    this.#series = lines
      .filter((match) => match !== null)
      .map(([, name = '', labels = '', value]) => [name, labels, Number(value)])
  }

  /** The sum of a name's series, or of those with a label such as `outcome="failed"`. */
  sum(name: string, label = ''): number {
    const series = this.#series.filter(([itsName]) => itsName === `sluice_${name}`)
    if (series.length === 0) throw new Error(`there is no sluice_${name} at /metrics`)
    return series
      .filter(([, labels]) => labels.includes(label))
      .reduce((sum, [, , value]) => sum + value, 0)
  }

  get queued(): number {
    return this.sum('num_requests_waiting')
  }

  get running(): number {
    return this.sum('num_requests_running')
  }

  get parked(): number {
    return this.sum('num_requests_parked')
  }

  get open(): number {
    return this.queued + this.running + this.parked
  }

  get started(): number {
    return this.sum('requests_started_total')
  }

  ended(outcome: 'finished' | 'cancelled' | 'failed'): number {
    return this.sum('requests_ended_total', `outcome="${outcome}"`)
  }

  get steps(): number {
    return this.sum('engine_steps_total')
  }

  get generated(): number {
    return this.sum('generation_tokens_total')
  }
}

/** On a connection of its own, which is closed with the answer. */
export function fetchText(host: string, port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { host: 'localhost' }
    const request = get({ host, port, path, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode === 200) resolve(text)
        else reject(new Error(`${path} says ${response.statusCode}: ${text}`))
      })
    })
    request.on('error', reject)
  })
}
