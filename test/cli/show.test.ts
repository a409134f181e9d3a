import { afterEach, expect, test, vi } from 'vitest'
import { useBinding } from '../../src/binding/binding.js'
import { showCommand } from '../../src/cli/models/show.js'
import { showFlags } from '../../src/options/command-flags.js'
import { settleFlags } from '../../src/options/flags.js'
import { FakeAddon, type FakeOptions } from '../support/fake-binding.js'

afterEach(() => {
  vi.restoreAllMocks()
  useBinding(undefined)
})

test.each<[string, FakeOptions, string]>([
  ['chats', {}, 'chats, tools, does not think'],
  [
    'embeds',
    { embedding: { size: 384, pooling: 'cls' } },
    'none: it embeds, vectors of 384 numbers',
  ],
  ['ranks', { embedding: { size: 1, pooling: 'rank' } }, 'none: it ranks documents'],
])('sluice show says of a model that %s what it is for', async (_, fake, words) => {
  useBinding(new FakeAddon(fake))
  let written = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written += text
    return true
  })
  expect(await showCommand('model.gguf', settleFlags(showFlags, {}, {}))).toBe(0)
  expect(/^chat template +(.*)$/m.exec(written)?.[1]).toBe(words)
})
