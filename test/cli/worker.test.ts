import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import { workerCommand } from '../../src/cli/worker.js'
import { workerFlags } from '../../src/options/command-flags.js'
import { settleFlags } from '../../src/options/flags.js'
import { FakeAddon } from '../support/fake-binding.js'

const folder = mkdtempSync(path.join(tmpdir(), 'sluice-worker-'))
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => useBinding(undefined))

const file = path.join(folder, 'file')
writeFileSync(file, '')

test.each([
  ['a file', file, 'EEXIST'],
  ['below a file', path.join(file, 'weights'), 'ENOTDIR'],
])('a --weights-dir that is %s is refused by its name', async (_what, weightsDir, reason) => {
  useBinding(new FakeAddon())
  const flags = settleFlags(workerFlags, { port: '0', weightsDir }, {})
  await expect(workerCommand(flags)).rejects.toMatchObject({
    code: 'ERR_INVALID_OPTION',
    option: '--weights-dir',
    message: expect.stringContaining(
      `expected a folder that can be made and written to, but got ${weightsDir} (${reason}`,
    ),
  })
})
