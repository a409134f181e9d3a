import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RunningCli, startCli } from '../cli.js'

/** Where a balancer finds a replica. */
export interface Ports {
  readonly port: number
  readonly agentPort: number
}

/** One `sluice serve` of several, in a process of its own. */
export interface Replica extends Ports {
  readonly cli: RunningCli
  readonly url: string
}

const common = ['--context', '1024', '--queue', '64', '--log-level', 'silent']

/** Ports that nobody has at the moment. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => net.createServer())
  const ports: number[] = []
  for (const server of servers) {
    await once(server.listen(0, '127.0.0.1'), 'listening')
    ports.push((server.address() as AddressInfo).port)
  }
  for (const server of servers) server.close()
  return ports
}

/** On ports of its own, or on those that another had before it. */
export async function startReplica(args: readonly string[], ports: Ports): Promise<Replica> {
  const { port, agentPort } = ports
  const own = ['--port', String(port), '--agent-port', String(agentPort)]
  const cli = startCli(['serve', ...common, ...own, ...args])
  await cli.said(/Listening on http/)
  return { cli, port, agentPort, url: `http://127.0.0.1:${port}` }
}

export async function startReplicas(count: number, args: readonly string[] = []) {
  const ports = await freePorts(2 * count)
  const pairs = Array.from({ length: count }, (_, i) => {
    return { port: ports[2 * i] as number, agentPort: ports[2 * i + 1] as number }
  })
  return Promise.all(pairs.map((pair) => startReplica(args, pair)))
}

export async function stopped(replicas: readonly Replica[]): Promise<void> {
  for (const { cli } of replicas) cli.child.kill('SIGTERM')
  await Promise.all(replicas.map(({ cli }) => cli.result))
}

/** What an agent-check is told. */
export async function agentLineOf({ agentPort }: Ports): Promise<string> {
  const socket = net.connect(agentPort, '127.0.0.1').setEncoding('utf8')
  let text = ''
  socket.on('data', (part: string) => {
    text += part
  })
  await once(socket, 'close')
  return text
}

/** One number of a replica's own metrics. */
export async function numberOf({ url }: Replica, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const line = text.split('\n').find((one) => one.startsWith(`sluice_${name}{`))
  if (line === undefined) throw new Error(`${url} tells no ${name}`)
  return Number(line.slice(line.lastIndexOf(' ') + 1))
}

export function sumOf(replicas: readonly Replica[], name: string): Promise<number> {
  return Promise.all(replicas.map((one) => numberOf(one, name))).then((all) => {
    return all.reduce((sum, one) => sum + one, 0)
  })
}

/** Until nothing is under way at any of them. */
export async function idle(replicas: readonly Replica[]): Promise<void> {
  const gauges = ['num_requests_running', 'num_requests_waiting', 'num_requests_parked']
  for (let i = 0; i < 1000; i++) {
    const sums = await Promise.all(gauges.map((name) => sumOf(replicas, name)))
    if (sums.every((sum) => sum === 0)) return
    await sleep(20)
  }
  throw new Error('replies are under way that nobody reads')
}
