import type { RunningCli } from '../cli.js'
import { eventually } from '../eventually.js'
import { childrenOf } from '../isolated/served.js'
import { startProgram } from '../program.js'
import { RawClient } from '../raw-client.js'
import { fetchText, Metrics } from './metrics.js'
import { type Resources as OfProcess, resourcesOf } from './resources.js'

export type Isolation = 'none' | 'process'

interface RunOptions {
  /** A line of the shell that starts it as "$@", such as `ulimit -n 64; exec "$@"`. */
  readonly under?: string
  readonly env?: Record<string, string>
}

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

/** `sluice serve`, on its way. */
export function startServe(
  args: readonly string[],
  { under = 'exec "$@"', env = {} }: RunOptions = {},
): RunningCli {
  const command = [process.execPath, main, 'serve', ...args]
  return startProgram('sh', ['-c', under, 'sh', ...command], { env })
}

/** The same once it listens and serves. */
export function serve(args: readonly string[], options?: RunOptions): Promise<ServerUnderTest> {
  return ServerUnderTest.listening(startServe(['--port', '0', ...args], options))
}

/** Until it serves, or has ended: whichever comes. */
export async function servesOrEnds(cli: RunningCli): Promise<'serves' | 'ends'> {
  const { child } = cli
  const serves = () => /^Listening on/m.test(cli.stdout)
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  await eventually(() => serves() || hasEnded(), 'it neither serves nor ends', 60_000)
  return serves() ? 'serves' : 'ends'
}

/** A `sluice serve` that is put through something. Linux. Owned by the test that started it. */
export class ServerUnderTest {
  readonly cli: RunningCli
  /** As it tells it. */
  readonly url: string
  readonly host: string
  readonly port: number

  private constructor(cli: RunningCli, url: string, host: string) {
    this.cli = cli
    this.url = url
    this.host = host
    this.port = Number(new URL(url).port)
  }

  static async listening(cli: RunningCli, host = '127.0.0.1'): Promise<ServerUnderTest> {
    const [, url = ''] = await cli.said(/Listening on[\s\S]*?(https?:\/\/\S+?:\d+)/)
    return new ServerUnderTest(cli, url, host)
  }

  static start(
    model: string,
    args: readonly string[],
    { isolation = 'none', within = [], host }: StartOptions = {},
  ): Promise<ServerUnderTest> {
    const serve = ['serve', '--model', model, '--port', '0', '--isolation', isolation]
    const words = [...within, process.execPath, main, ...serve, ...usual, ...args]
    const [command = '', ...rest] = words
    return ServerUnderTest.listening(startProgram(command, rest), host)
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

  /** The value of a metric, or the sum of its series. */
  async metric(name: string): Promise<number> {
    return (await this.metrics()).sum(name)
  }

  /** The processes of its engines, where these have processes of their own. */
  engines(): number[] {
    return childrenOf(this.pid)
  }

  resources(): Resources {
    const all = [this.pid, ...this.engines()].map(resourcesOf)
    const sum = (of: keyof OfProcess) => all.reduce((total, one) => total + one[of], 0)
    const bytes = sum('residentBytes')
    return { descriptors: sum('descriptors'), threads: sum('threads'), bytes }
  }
}
