import fs from 'node:fs'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { askWorker, capabilityBytes, commands } from '../../src/workers/ask-worker.js'
import { freePort } from '../support/program.js'
import { type FakeWorker, fakeWorker } from '../support/workers/fake-worker.js'

const devices = [
  { freeBytes: 3 * 2 ** 30, totalBytes: 2 ** 33 },
  { freeBytes: 0, totalBytes: 2 ** 40 },
]

const asked = (port: number, version = '7.0.0', answerMs = 60_000) => {
  const { signal } = new AbortController()
  return askWorker({ ip: '127.0.0.1', port }, version, { answerMs, signal })
}
const ask = async (worker: FakeWorker, version?: string) => asked(await fakeWorker(worker), version)

test('the protocol that is asked is the one of ggml’s source', () => {
  const folder = 'deps/llama.cpp/ggml/src/ggml-rpc'
  const source = fs.readFileSync(`${folder}/ggml-rpc.cpp`, 'utf8')
  const [, names = ''] = /enum rpc_cmd \{([^}]*)\}/.exec(source) ?? []
  const numbers = names.split(',').map((name) => name.replace(/=.*/, '').trim())
  expect(numbers[commands.hello]).toBe('RPC_CMD_HELLO')
  expect(numbers[commands.deviceCount]).toBe('RPC_CMD_DEVICE_COUNT')
  expect(numbers[commands.getDeviceMemory]).toBe('RPC_CMD_GET_DEVICE_MEMORY')
  const transport = fs.readFileSync(`${folder}/transport.h`, 'utf8')
  expect(transport).toMatch(new RegExp(`RPC_CONN_CAPS_SIZE = ${capabilityBytes};`))
})

describe('a worker that is asked', () => {
  test('tells the memory of its devices, in whatever pieces', async () => {
    expect(await ask({ devices })).toEqual(devices)
    expect(await ask({ devices, isSlow: true })).toEqual(devices)
  })

  test.each([
    ['6.0.0', [7, 0, 0], 'speaks RPC 7.0.0, and this is RPC 6.0.0'],
    ['8.0.0', [7, 0, 0], 'speaks RPC 7.0.0, and this is RPC 8.0.0'],
    ['7.0.0', [7, 1, 0], 'speaks RPC 7.1.0, and this is RPC 7.0.0'],
  ] as const)(
    'of another version than %s is refused, with both: %s',
    async (own, theirs, words) => {
      await expect(ask({ devices, version: theirs }, own)).rejects.toThrow(words)
    },
  )

  test('may be of an older minor version, and of any patch', async () => {
    expect(await ask({ devices, version: [7, 0, 9] }, '7.2.1')).toEqual(devices)
  })

  test('without devices is refused', async () => {
    await expect(ask({ devices: [] })).rejects.toThrow('has no devices')
  })

  test('that hangs up at the first word is no worker, or an old one', async () => {
    const gone = ask({ isOld: true })
    await expect(gone).rejects.toThrow('is no worker, or one of another protocol')
    await expect(gone).rejects.toMatchObject({ isBusy: false })
  })

  test('that takes the connection and says nothing serves another program', async () => {
    // The time for an answer is over once the worker has been asked.
    const deadline = new AbortController()
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValueOnce(deadline.signal)
    onTestFinished(() => timeout.mockRestore())
    const heard = () => deadline.abort()
    const silent = asked(await fakeWorker({ isSilent: true, heard }), '7.0.0', 50)
    await expect(silent).rejects.toThrow('serves one at a time')
    await expect(silent).rejects.toMatchObject({ isBusy: true })
    expect(timeout).toHaveBeenCalledWith(50)
  })

  test('where nothing listens is to be started', async () => {
    await expect(asked(await freePort())).rejects.toThrow('start it there with: sluice worker')
  })

  test('is left alone once nobody wants to know', async () => {
    const port = await fakeWorker({ isSilent: true })
    const controller = new AbortController()
    const { signal } = controller
    const ip = '127.0.0.1'
    const asking = askWorker({ ip, port }, '7.0.0', { answerMs: 60_000, signal })
    controller.abort(new Error('enough'))
    await expect(asking).rejects.toThrow('enough')
  })
})
