import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { ChatMessage } from '../../src/index.js'
import { writeGguf } from '../support/models/gguf-writer.js'
import { turnModelContent } from '../support/models/turn-model.js'
import { suiteLoader } from '../support/suite-engines.js'

const folder = mkdtempSync(path.join(tmpdir(), 'sluice-turns-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const load = suiteLoader()

test.each(['tiny', 'gpt-2'] as const)(
  'a model of turns (%s) says one reply after another, as far as the conversation is',
  async (tokenizer) => {
    const turns = ['one', 'two', 'three'].map((word, i) => ({
      mark: `[${i}]`,
      reply: `[${i}] This is what is said at turn ${word} — é 漢字 🦊, and no more than that.`,
    }))
    const model = path.join(folder, 'turns.gguf')
    const { metadata, tensors } = turnModelContent({ turns, tokenizer })
    writeGguf(model, metadata, tensors)
    const engine = await load({ model, context: 4096, parallel: 2 })
    const messages: ChatMessage[] = [{ role: 'user', content: 'Once upon a time. '.repeat(100) }]
    for (const { reply } of turns) {
      expect(await engine.chat(messages, { temperature: 1 }).text()).toBe(reply)
      messages.push({ role: 'assistant', content: reply }, { role: 'user', content: 'Go on.' })
    }
    // The latest mark counts, wherever it stands.
    const odd: ChatMessage[] = [{ role: 'user', content: 'after [1] and [0] comes?' }]
    expect(await engine.chat(odd).text()).toBe(turns[2]?.reply)
  },
)
