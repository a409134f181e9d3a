import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { asksFor, closeAfterEach, expectAsAlone } from '../support/alone.js'
import { eventually } from '../support/eventually.js'
import { kindModel } from '../support/models/model-kinds.js'
import { randomWords } from '../support/random-words.js'
import { runChild } from './child.js'

closeAfterEach()

const kills = 10
const system = randomWords(300, 1).join(' ')

interface Life {
  texts: string[]
  diskReads: number
  diskErrors: number
  cachedTokens: number
}

/** New questions after the same words: what was written of these is read. */
const asksOf = (life: number) =>
  asksFor([`${system} ${randomWords(12, 100 + life).join(' ')}`, `${system}!`], 30)

interface Written {
  parts: number
  states: number
}

function writtenIn(folder: string): Written {
  const names = fs.readdirSync(folder)
  const parts = names.filter((name) => name.endsWith('.part')).length
  return { parts, states: names.filter((name) => name.endsWith('.kv')).length }
}

/**
 * Kills it while a state is being written, and another one is whole. It is stopped to be looked at:
 * a write that was seen may have come to its end meanwhile.
 */
async function killInWrite(folder: string, kill: (signal: NodeJS.Signals) => void): Promise<void> {
  const isInWrite = () => writtenIn(folder).parts > 0 && writtenIn(folder).states > 0
  await eventually(() => {
    if (!isInWrite()) return false
    kill('SIGSTOP')
    if (isInWrite()) return true
    kill('SIGCONT')
    return false
  }, 'no state was being written')
  kill('SIGKILL')
}

test('after each of ten kills in a write the next engine starts and says the same', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-states-'))
  let halves = 0
  try {
    for (let life = 0; life <= kills; life++) {
      const asks = asksOf(life)
      const isLast = life === kills
      const env = { STATES_DIR: folder, STATES_ASKS: JSON.stringify(asks) }
      const exit = await runChild(
        'writes-states',
        (_, kill) => {
          if (!isLast) void killInWrite(folder, kill)
        },
        kindModel('plain'),
        isLast ? { ...env, STATES_ENDS: '1' } : env,
      )
      expect(exit.stderr).toBe('')
      expect(exit).toMatchObject(isLast ? { code: 0 } : { signal: 'SIGKILL' })
      expect(exit.messages).toHaveLength(1) // and no warning
      const told = exit.messages[0] as Life
      await expectAsAlone('plain', asks, told.texts)
      expect(told.diskErrors).toBe(0)
      if (life > 1) expect(told.diskReads).toBeGreaterThan(0)
      halves += writtenIn(folder).parts
    }
    expect(writtenIn(folder).parts).toBe(0)
    expect(halves).toBeGreaterThan(kills / 2) // else nothing was shown
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
})
