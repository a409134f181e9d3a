import { expect, test } from 'vitest'
import { bytesOf, type ModelBytes, type Occupant, roomFor } from '../../src/pool/room.js'

interface Model extends Occupant {
  readonly name: string
}

const bytes = (file: string, weights: number, other = 0): ModelBytes => ({ file, weights, other })

/** Models in the order of their use; a `*` behind the name says that it runs. */
function models(...all: [name: string, weights: number, other?: number][]): Model[] {
  return all.map(([name, weights, other], usedAt) => ({
    name: name.replace('*', ''),
    bytes: bytes(name.replace(/[*']/g, ''), weights, other),
    isBusy: name.endsWith('*'),
    usedAt,
  }))
}

function decided(need: number | ModelBytes, there: Model[], budget: number): string {
  const wanted = typeof need === 'number' ? bytes('new', need) : need
  const room = roomFor(wanted, there, budget)
  const victims = 'victims' in room ? room.victims.map(({ name }) => name).join(' ') : ''
  return `${room.kind} ${victims}`.trim()
}

test('weights of one file count once, and everything else for each model', () => {
  expect(bytesOf([bytes('a', 10, 1), bytes('a', 10, 2), bytes('b', 5, 3)])).toBe(21)
})

test.each<[situation: string, need: number | ModelBytes, there: Model[], decision: string]>([
  ['nothing is loaded', 100, [], 'fits'],
  ['it needs more than there is', 101, [], 'never'],
  ['it fits beside others', 40, models(['a', 60]), 'fits'],
  ['one has to go', 50, models(['a', 40], ['b', 40]), 'unload a'],
  ['the first by use is too small', 90, models(['a', 20], ['b', 60]), 'unload a b'],
  ['a small one may stay', 50, models(['a', 10], ['b', 80]), 'unload b'],
  ['one that runs stays', 50, models(['a*', 40], ['b', 40]), 'unload b'],
  ['all that are there run', 50, models(['a*', 40], ['b*', 40]), 'wait a'],
  ['an idle one would not do', 50, models(['a', 10], ['b*', 45], ['c*', 45]), 'wait b'],
  ['its weights are there already', bytes('a', 80, 10), models(['a', 80, 10]), 'fits'],
])('room for a model: %s', (_, need, there, decision) => {
  expect(decided(need, there, 100)).toBe(decision)
})
