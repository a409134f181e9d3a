import { ip } from '../workers/namespaces.js'
import { ServerUnderTest } from './server.js'

/**
 * A server in a network of its own, joined with this one by two cables: clients come by the first,
 * which can be pulled, and who watches by the second. Linux, for root.
 */

const name = `sluice-far-${process.pid}`
const cable = (i: number) => `slf${process.pid}-${i}` // 15 characters at most
/** Not the one of a run that was killed and has left its network. */
const subnet = `10.213.${8 + (process.pid % 240)}`
const ownAddress = (i: number) => `${subnet}.${4 * i + 1}`
const farAddress = (i: number) => `${subnet}.${4 * i + 2}`

/** The address by which clients come. */
export const byCable = farAddress(0)

export function makeNetwork(): void {
  ip('netns', 'add', name)
  ip('-n', name, 'link', 'set', 'lo', 'up')
  for (const i of [0, 1]) {
    ip('link', 'add', cable(i), 'type', 'veth', 'peer', 'name', `eth${i}`, 'netns', name)
    ip('addr', 'add', `${ownAddress(i)}/30`, 'dev', cable(i))
    ip('link', 'set', cable(i), 'up')
    ip('-n', name, 'addr', 'add', `${farAddress(i)}/30`, 'dev', `eth${i}`)
    ip('-n', name, 'link', 'set', `eth${i}`, 'up')
  }
}

export function removeNetwork(): void {
  ip('netns', 'del', name)
}

/** Pulled, what is sent is lost, and neither side hears of it. */
export function plugCable(isIn: boolean): void {
  ip('link', 'set', cable(0), isIn ? 'up' : 'down')
}

export function startFarServer(model: string, args: readonly string[]): Promise<ServerUnderTest> {
  const open = ['--host', '0.0.0.0', '--allow-unauthenticated']
  const within = ['ip', 'netns', 'exec', name]
  return ServerUnderTest.start(model, [...open, ...args], { within, host: farAddress(1) })
}
