import type { DecisionQuestion } from '../../../src/api/decision-types.js'
import { useBinding } from '../../../src/binding/binding.js'
import { load } from '../../../src/engine/load.js'
import { FakeAddon, type FakeOptions } from '../fake-binding.js'
import { alsoClose } from '../serve.js'

// What tests of decisions over a fake begin with.

/** An engine over a fake; closeAfterEach of serve.ts closes it. */
export async function engineOf(fake: FakeOptions = {}, options: object = {}) {
  const addon = new FakeAddon(fake)
  useBinding(addon)
  const engine = await load({ model: 'fake.gguf', ...options })
  alsoClose(() => engine.close())
  return { engine, native: addon.engine }
}

/** So many questions, each with its number in it. */
export function scores(count: number): DecisionQuestion[] {
  return Array.from({ length: count }, (_, i): DecisionQuestion => {
    return { type: 'score', instructions: `Question ${i}?`, levels: ['low', 'high'] }
  })
}

/** Each question in one order of its labels. */
export const once = { orders: 1 } as const
