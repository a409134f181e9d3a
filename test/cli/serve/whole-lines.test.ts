import fs from 'node:fs'
import { afterEach, expect, test, vi } from 'vitest'
import { FileOut, WholeLines } from '../../../src/cli/serve/whole-lines.js'

afterEach(() => vi.restoreAllMocks())

test('what a full disk has cut ends its line before the next one is written', () => {
  let room = 10
  let written = ''
  const lines = new WholeLines({
    write(line, done) {
      written += line.slice(0, room)
      done(line.length > room ? new Error('ENOSPC') : null)
      room -= Math.min(room, line.length)
    },
  })
  lines.write('first\n')
  lines.write('second\n')
  lines.write('third\n')
  room = 100
  lines.write('fourth\n')
  lines.write('fifth\n')
  expect(written).toBe('first\nseco\nfourth\nfifth\n')
})

test.each([
  ['throws', true],
  ['takes nothing', false],
])(
  'a file that takes a part of a line gets the rest, or, when it %s, a line of its own',
  (_, throws) => {
    let room = 9
    let written = ''
    vi.spyOn(fs, 'writeSync').mockImplementation((_, bytes, at) => {
      const rest = (bytes as unknown as Buffer).subarray(at as number)
      const taken = rest.subarray(0, Math.min(4, room)) // at most four at once
      if (taken.length === 0 && throws) throw new Error('ENOSPC')
      written += taken.toString()
      room -= taken.length
      return taken.length
    })
    const lines = new WholeLines(new FileOut(2))
    lines.write('first\n')
    lines.write('second\n')
    room = 100
    lines.write('third\n')
    expect(written).toBe('first\nsec\nthird\n')
  },
)
