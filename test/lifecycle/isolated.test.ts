import { expect, test } from 'vitest'
import { eventually } from '../support/eventually.js'
import { isAlive } from '../support/isolated/served.js'
import { randomModel } from '../support/models/random-model.js'
import { runChild } from './child.js'

// Ends of a process whose engine has one of its own: that goes with it, however it ends.

test.skipIf(process.platform !== 'linux').each([
  ['it closes the engine in mid-decode', 'closes', 0],
  ['nothing is left to do, and the engine is open', 'idle', 0],
  ['process.exit() is called in mid-decode', 'exits', 3],
  ['an exception is thrown in mid-decode', 'throws', 1],
  ['its worker with the engine is terminated in mid-decode', 'terminates', 0],
])('the engine’s process is gone after its parent where %s', async (_, ENDING, code) => {
  const env = { ENDING, MODEL: randomModel() }
  const exit = await runChild('isolated/ends', undefined, undefined, env)
  expect(exit).toMatchObject({ code, signal: null })
  const [{ pids }] = exit.messages as [{ pids: number[] }]
  expect(pids).toHaveLength(1)
  await eventually(() => !pids.some(isAlive), 'the process of the engine is still there')
})
