import { afterEach } from 'vitest'
import { useBinding } from '../../../src/binding/binding.js'
import type { NativeChat, NativeRequest } from '../../../src/binding/engine-port.js'
import { type Engine, load, type ToolRunPart } from '../../../src/index.js'
import { FakeAddon, type FakeOptions, type FakePart, type Script } from '../fake-binding.js'

/**
 * Engines for the tests of a file that reply as the test says, round by round; closed after each.
 * @returns what opens one, with a reply for each round; the last one is said from then on
 */
export function scriptedRounds() {
  let engine: Engine | undefined
  afterEach(async () => {
    await engine?.close()
    engine = undefined
    useBinding(undefined)
  })
  return async (replies: Script[], options: FakeOptions = {}) => {
    let round = 0
    const script = () => replies[Math.min(round++, replies.length - 1)] as Script
    const addon = new FakeAddon({ script, ...options })
    useBinding(addon)
    engine = await load({ model: 'fake.gguf', window: 8 })
    const chats = () => addon.engine.submitted.map(chatOf)
    /** The messages of each prompt. */
    const asked = () =>
      chats().map(({ messages }) => messages.map(({ role, content }) => `${role}: ${content}`))
    return { engine, addon, chats, asked }
  }
}

function chatOf({ prompt }: NativeRequest): NativeChat {
  if (typeof prompt !== 'object' || !('messages' in prompt)) throw new Error('no chat')
  return prompt
}

export type ScriptedCall = [name: string, given: unknown]

/** A reply that calls. Arguments are written as JSON, in two pieces; a text is taken as it is. */
export function calling(...calls: ScriptedCall[]): Script {
  const tokens: FakePart[] = calls.flatMap(([name, given], index) => {
    const text = typeof given === 'string' ? given : JSON.stringify(given)
    return [
      { toolCalls: [{ index, id: `call_${index}`, name, arguments: text.slice(0, 3) }] },
      { toolCalls: [{ index, arguments: text.slice(3) }] },
    ]
  })
  return { tokens, end: 'tool_calls' }
}

export const saying = (...tokens: string[]): Script => ({ tokens })

export async function partsOf(run: AsyncIterable<ToolRunPart>): Promise<ToolRunPart[]> {
  const parts: ToolRunPart[] = []
  for await (const part of run) parts.push(part)
  return parts
}
