import { afterEach, expect, test } from 'vitest'
import { createSluice } from '../../src/ai-sdk/index.js'
import { useBinding } from '../../src/binding/binding.js'
import type { NativeRequest } from '../../src/binding/engine-port.js'
import { load } from '../../src/index.js'
import { FakeAddon } from '../support/fake-binding.js'

// What a decision asks the engine. test/e2e/ai-decisions.test.ts has its answers.

afterEach(() => useBinding(undefined))

const script = ({ labelTokens }: NativeRequest) => ({
  tokens: [],
  labelLogprobs: labelTokens.map(() => Math.log(0.5)),
})

test('a part of JSON that is null is said as such, as POST /v1/systemone does', async () => {
  const addon = new FakeAddon({ script })
  useBinding(addon)
  const engine = await load({ model: 'judge.gguf' })
  await createSluice(engine)
    .decisionModel()
    .doDecide({
      state: [
        { type: 'json', value: null },
        { type: 'json', value: 'a' },
      ],
      questions: { so: { type: 'boolean', instructions: 'Is it so?' } },
    })
  const [prompt] = (addon.engines[0]?.submitted ?? []).map((asked) => asked.prompt)
  if (typeof prompt !== 'object' || !('messages' in prompt)) expect.fail('no conversation')
  expect(prompt.messages.at(-1)?.content).toMatch(/^null\na\n\n/)
  await engine.close()
})
