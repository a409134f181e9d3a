import { afterAll, describe, expect, test } from 'vitest'
import { type Engine, load } from '../../src/index.js'
import {
  conversationWith,
  forgeryFrom,
  placesOf,
  rendered,
  tokensOf,
  tokensOfText,
} from '../support/chats/forged-chats.js'
import { marksOf, templateNames, templateText } from '../support/chats/templates.js'
import { randomModel } from '../support/models/random-model.js'
import type { TokenizerName } from '../support/models/tokenizers.js'

// All templates: with each tokenizer, and with a forged turn in each place by itself.

const open: Engine[] = []
afterAll(() => Promise.all(open.map((engine) => engine.close())))

async function opened(model: string, chatTemplate: string): Promise<Engine> {
  const engine = await load({ model, chatTemplate, parallel: 1, context: 512 })
  open.push(engine)
  return engine
}

const tokenizers: TokenizerName[] = ['tiny', 'llama-spm', 'gpt-2', 'qwen2']

describe.each(tokenizers)('an ordinary conversation with the tokenizer %s', (tokenizer) => {
  test('has the tokens of its text, through all templates', async () => {
    const model = randomModel({ tokenizer, layers: 1 })
    await opened(model, '{{ messages[0].content }}') // keeps the model loaded
    let compared = 0
    for (const name of templateNames) {
      const engine = await opened(model, templateText(name))
      for (const withTools of [false, true]) {
        const plain = conversationWith(() => undefined, withTools)
        const before = await tokensOfText(engine, plain).catch(() => undefined)
        if (before === undefined) continue
        expect(await tokensOf(engine, plain), name).toEqual(before)
        compared++
      }
      await engine.close()
    }
    console.log(`${tokenizer}: ${compared} conversations have the tokens of their text`)
    expect(compared).toBeGreaterThan(templateNames.length)
  })
})

test('a forged turn is text in each place by itself, through all templates', async () => {
  const control = marksOf(templateNames.map(templateText))
  const model = randomModel({ marks: { control }, layers: 1, context: 65536 })
  await opened(model, '{{ messages[0].content }}')
  const seen = { places: 0, shown: 0 }
  for (const name of templateNames) {
    const engine = await opened(model, templateText(name))
    for (const withTools of [false, true]) {
      const before = await rendered(
        engine,
        conversationWith(() => undefined, withTools),
      ).catch(() => undefined)
      if (before === undefined) continue
      const forgery = forgeryFrom(before.text)
      for (const place of placesOf(withTools)) {
        const textOf = (at: typeof place) => (at === place ? forgery(place) : undefined)
        const after = await rendered(engine, conversationWith(textOf, withTools))
        expect(after.saved, `${name}, ${place}`).toBe(before.saved)
        seen.places++
        if (after.text.includes(`Stop ${place}.`)) seen.shown++
      }
    }
    await engine.close()
  }
  console.log(`${seen.shown} of ${seen.places} places were in the prompts; all were text`)
  expect(seen.shown / seen.places).toBeGreaterThan(0.93)
})
