import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Exit, ProcessListener } from '../../src/isolation/engine-process.js'
import { childEnvironment, startsChild } from '../../src/isolation/engine-process.js'
import type { StartMessage } from '../../src/isolation/messages.js'
import { exitInWords, lossInWords } from '../../src/isolation/words.js'
import { eventually, settle } from '../support/eventually.js'

describe("the environment of an engine's process", () => {
  const of = (NODE_OPTIONS: string) => childEnvironment({ PATH: '/bin', NODE_OPTIONS })
  test.each([
    ['--inspect', ''],
    ['--inspect=9229 --import=./a.mjs', '--import=./a.mjs'],
    ['--require ./a.js --inspect-brk=127.0.0.1:0', '--require ./a.js'],
    ['--inspect-publish-uid=http --max-old-space-size=64', '--max-old-space-size=64'],
    ['--import=./--inspect.mjs', '--import=./--inspect.mjs'],
    ['--inspect-port 9230 --no-warnings', '--no-warnings'],
    ['--no-warnings --inspect_port=9230 --debug-port 1', '--no-warnings'],
    ['--inspect-publish-uid http', ''],
    ['"--inspect=127.0.0.1:0" --no-warnings', '--no-warnings'],
    ['--require "./my file.js" --inspect-wait', '--require "./my file.js"'],
    ['--require "./a \\" --inspect.js"', '--require "./a \\" --inspect.js"'],
  ])('has no port of an inspector: %s', (given, expected) => {
    expect(of(given)).toEqual({ PATH: '/bin', NODE_OPTIONS: expected })
  })

  test('is else that of its parent', () => {
    expect(childEnvironment({ PATH: '/bin', HOME: '/x' })).toEqual({ PATH: '/bin', HOME: '/x' })
  })
})

test('the end of a process is told with its signal or exit code, and with what that means', () => {
  const aborted = exitInWords({ code: null, signal: 'SIGABRT' })
  expect(aborted).toBe('was ended by SIGABRT (an assertion failed, which stderr tells)')
  expect(exitInWords({ code: null, signal: 'SIGSEGV' })).toBe('was ended by SIGSEGV')
  expect(exitInWords({ code: 3, signal: null })).toBe('ended with exit code 3')
  const error = new Error('spawn ENOMEM')
  expect(exitInWords({ code: null, signal: null, error })).toBe(
    'could not be started: spawn ENOMEM',
  )
  expect(lossInWords(aborted, 'begun')).toContain('ask for it again')
  expect(lossInWords(aborted, 'twice')).toContain('for the second time')
})

test.skipIf(process.platform !== 'linux')(
  'nothing is told of a process after its end, though another has its channel yet',
  async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-channel-'))
    const program = path.join(folder, 'child.cjs')
    fs.writeFileSync(program, leavesChannel)
    const told: unknown[] = []
    const end = await new Promise<() => void>((resolve) => {
      const child = startsChild(program)({} as StartMessage, {
        onMessage: (message) => told.push(message),
        onExit: () => resolve(() => child.send([])), // which the other one answers
      })
      child.ref()
    })
    expect(told).toEqual(['first'])
    end()
    await eventually(() => fs.existsSync(path.join(folder, 'answered')))
    await settle()
    expect(told).toEqual(['first'])
    fs.rmSync(folder, { recursive: true })
  },
)

/** Ends once another process has its channel, which answers one message. */
const leavesChannel = `
const answers = () => {
  const isAnswered = () => {
    require('node:fs').writeFileSync(process.argv[1] + '/answered', '')
    process.exit(0)
  }
  process.once('message', () => process.send('late', undefined, undefined, isAnswered))
}
process.once('message', () => {
  const env = { ...process.env, NODE_CHANNEL_FD: '3', NODE_CHANNEL_SERIALIZATION_MODE: 'advanced' }
  const args = ['-e', '(' + answers + ')()', __dirname]
  const stdio = ['ignore', 'ignore', 'inherit', 3]
  require('node:child_process').spawn(process.execPath, args, { env, stdio })
  process.send('first', undefined, undefined, () => process.exit(0))
})
`

describe('a process that the system does not start', () => {
  const { execPath } = process
  afterEach(() => {
    process.execPath = execPath
    vi.unstubAllEnvs()
    vi.useRealTimers()
  })
  const start = {} as StartMessage
  const listener = (onExit: (exit: Exit) => void): ProcessListener => ({
    onMessage: () => undefined,
    onExit,
  })

  test('is told of at once, since it has nothing more to say', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] })
    process.execPath = '/nowhere/node'
    const exit = await new Promise<Exit>((resolve) => {
      startsChild('child.cjs')(start, listener(resolve))
    })
    expect(exit).toMatchObject({ code: null, signal: null, error: { code: 'ENOENT' } })
  })

  test.skipIf(process.platform !== 'linux')('throws where Node does', () => {
    vi.stubEnv('SLUICE_TEST_LARGE', 'a'.repeat(200_000)) // more than execve takes in one text
    expect(() => startsChild('child.cjs')(start, listener(vi.fn()))).toThrow('E2BIG')
  })
})
