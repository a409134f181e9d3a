import { expect, test } from 'vitest'
import { WholeLines } from '../../../src/cli/serve/whole-lines.js'

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
