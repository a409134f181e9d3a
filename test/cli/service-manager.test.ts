import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import { ServiceManager } from '../../src/cli/serve/service-manager.js'
import { FakeAddon } from '../support/fake-binding.js'

let addon: FakeAddon
beforeEach(() => {
  addon = new FakeAddon()
  useBinding(addon)
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  useBinding(undefined)
})

const socket = { NOTIFY_SOCKET: '/run/notify' }
const toldOnce = (text: string) => `/run/notify: ${text}`

test('a service manager is told of start, reload and end, in words of sd_notify', () => {
  const manager = new ServiceManager(socket)
  manager.ready('Serving tales', () => true)
  manager.reloading()
  manager.reloaded()
  manager.stopping()
  expect(addon.datagrams).toEqual([
    toldOnce('READY=1\nSTATUS=Serving tales'),
    expect.stringMatching(/^\/run\/notify: RELOADING=1\nMONOTONIC_USEC=\d+$/),
    toldOnce('READY=1'),
    toldOnce('STOPPING=1\nSTATUS=Draining'),
  ])
})

test('a reload while it loads or drains is none of its business: it would say READY=1', () => {
  const manager = new ServiceManager(socket)
  const reload = () => {
    manager.reloading()
    manager.reloaded()
  }
  reload()
  expect(addon.datagrams).toEqual([])
  manager.ready('Serving tales', () => true)
  manager.stopping()
  reload()
  expect(addon.datagrams).toHaveLength(2)
})

test('without a socket nothing is told', () => {
  for (const environment of [{}, { NOTIFY_SOCKET: '' }, { NOTIFY_SOCKET: 'vsock:2:1234' }]) {
    const manager = new ServiceManager({ ...environment, WATCHDOG_USEC: '1000000' })
    manager.ready('Serving', () => true)
    manager.stopping()
  }
  vi.advanceTimersByTime(10_000)
  expect(addon.datagrams).toEqual([])
})

test('a watchdog hears twice in its time of a server that lives, and of no other', () => {
  const manager = new ServiceManager({ ...socket, WATCHDOG_USEC: '4000000' })
  let isAlive = true
  manager.ready('Serving', () => isAlive)
  const beats = () => addon.datagrams.filter((one) => one === toldOnce('WATCHDOG=1')).length
  expect(beats()).toBe(1)
  vi.advanceTimersByTime(4000)
  expect(beats()).toBe(3)
  isAlive = false
  vi.advanceTimersByTime(60_000)
  expect(beats()).toBe(3)
  isAlive = true
  vi.advanceTimersByTime(2000)
  expect(beats()).toBe(4)
  manager.end()
  vi.advanceTimersByTime(60_000)
  expect(beats()).toBe(4)
})

test.each([
  ['of another process', { WATCHDOG_USEC: '1000000', WATCHDOG_PID: '1' }],
  ['that is off', { WATCHDOG_USEC: '0' }],
  ['that is no number', { WATCHDOG_USEC: 'soon' }],
])('a watchdog %s hears nothing', (_, environment) => {
  new ServiceManager({ ...socket, ...environment }).ready('Serving', () => true)
  vi.advanceTimersByTime(60_000)
  expect(addon.datagrams).toHaveLength(1)
})

test('a socket that nobody reads is told of once, and ends nothing', () => {
  const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  vi.spyOn(addon, 'sendDatagram').mockImplementation(() => {
    throw new Error('Connection refused')
  })
  const manager = new ServiceManager(socket)
  manager.ready('Serving', () => true)
  manager.stopping()
  expect(written.mock.calls).toEqual([
    ['sluice: warning: the service manager is not told: Connection refused\n'],
  ])
})
