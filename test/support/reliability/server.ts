import type { RunningCli } from '../cli.js'
import { childrenOf } from '../isolated/served.js'
import { startProgram } from '../program.js'
import { RawClient } from '../raw-client.js'
import { fetchText, Metrics } from './metrics.js'
import { type Resources as OfProcess, resourcesOf } from './resources.js'

export type Isolation = 'none' | 'process'

interface StartOptions {
  readonly isolation?: Isolation
  /** Words in front of the command, such as those that put it into a namespace. */
  readonly within?: readonly string[]
  /** The address by which it is watched. */
  readonly host?: string
}

const main = 'dist/cli/main.cjs'

const usual = [
  ...['--kv-type', 'q8_0'], // so that a seed's text is the same alone and beside others
  ...['--cache-mib', '16'], // what is kept of conversations is soon as much as it will be
  ...['--log-format', 'json', '--log-level', 'warn'], // a log that can be judged
]

/** What `sluice serve` takes, by processes: its own, and its engine's where that has one. */
export interface Resources {
  readonly descriptors: number
  readonly threads: number
  readonly bytes: number
}

/** A `sluice serve` that is put through something. Linux. Owned by the test that started it. */
export class ServerUnderTest {
  readonly cli: RunningCli
  readonly host: string
  readonly port: number

  private constructor(cli: RunningCli, host: string, port: number) {
    this.cli = cli
    this.host = host
    this.port = port
  }

  static async start(
    model: string,
    args: readonly string[],
    { isolation = 'none', within = [], host = '127.0.0.1' }: StartOptions = {},
  ): Promise<ServerUnderTest> {
    const serve = ['serve', '--model', model, '--port', '0', '--isolation', isolation]
    const words = [...within, process.execPath, main, ...serve, ...usual, ...args]
    const [command = '', ...rest] = words
    const cli = startProgram(command, rest)
    const [, port] = await cli.said(/Listening on [\s\S]*?http:\/\/\S+:(\d+)/)
    return new ServerUnderTest(cli, host, Number(port))
  }

  get pid(): number {
    return this.cli.child.pid as number
  }

  /** A client below HTTP, at `host` where it takes another way than who watches. */
  connect(how: { reads?: boolean; host?: string } = {}): Promise<RawClient> {
    return RawClient.connect(this.port, { host: this.host, ...how })
  }

  async metrics(): Promise<Metrics> {
    return new Metrics(await fetchText(this.host, this.port, '/metrics'))
  }

  resources(): Resources {
    const all = [this.pid, ...childrenOf(this.pid)].map(resourcesOf)
    const sum = (of: keyof OfProcess) => all.reduce((total, one) => total + one[of], 0)
    const bytes = sum('residentBytes')
    return { descriptors: sum('descriptors'), threads: sum('threads'), bytes }
  }
}
