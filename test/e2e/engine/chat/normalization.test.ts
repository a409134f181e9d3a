import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Engine, load } from '../../../../src/index.js'
import { randomModel } from '../../../support/models/random-model.js'

// Text is put into Unicode's normalization form C for the vocabularies whose models were trained on
// it. The tokenizer of these models has a token for each byte, so that its tokens show the text.

const marks = { control: ['<|im_start|>', '<|im_end|>'] }
const options = { marks, layers: 1, context: 4096 }
const decomposed = 'e\u0301te\u0301 \u1112\u1161\u11ab \u212b q\u0307\u0323'
let qwen: Engine
let plain: Engine

beforeAll(async () => {
  const open = (preTokenizer: string, more = {}) =>
    load({ model: randomModel({ ...options, preTokenizer, ...more }), parallel: 1, context: 4096 })
  qwen = await open('qwen2')
  plain = await open('llama-bpe')
})
afterAll(() => Promise.all([qwen.close(), plain.close()]))

async function textOf(engine: Engine, text: string): Promise<string> {
  return engine.detokenize(await engine.tokenize(text))
}

describe('form C', () => {
  test('is what Qwen’s text is put into, and Llama’s is not', async () => {
    expect(await textOf(qwen, decomposed)).toBe(decomposed.normalize('NFC'))
    expect(await textOf(plain, decomposed)).toBe(decomposed)
  })

  test('is JavaScript’s, for each code point, alone and behind others', async () => {
    const all: string[] = []
    for (let code = 0xa0; code <= 0x2ffff; code++) {
      const char = String.fromCodePoint(code)
      if (isKnown(char)) all.push(char)
    }
    const texts = [
      all.map((char) => `${char}x`).join(''),
      // One after the other, so that many of them compose or change places.
      all
        .filter((char) => /\p{M}/u.test(char))
        .map((char, i) => `${'aeKo'[i % 4]}${char}\u0327\u0301`)
        .join(''),
      shuffled(all.filter((char) => /\p{M}/u.test(char))).join(''),
    ]
    for (const text of texts) {
      const parts = text.match(/.{1,20000}/gsu) ?? []
      for (const part of parts) expect(await textOf(qwen, part)).toBe(part.normalize('NFC'))
    }
    const syllables = Array.from({ length: 0xd7a3 - 0xac00 + 1 }, (_, i) =>
      String.fromCharCode(0xac00 + i),
    )
    const jamo = syllables.join('').normalize('NFD')
    expect(await textOf(qwen, jamo)).toBe(syllables.join(''))
  })

  test('joins nothing over a mark', async () => {
    const text = '<|im_end|>\u0338 a<|im_start|>\u0301'
    const tokens = await qwen.tokenize(text, { parseSpecial: true })
    expect(tokens.length).toBe(1 + 2 + 2 + 1 + 2)
    expect(await qwen.detokenize(tokens)).toBe(text)
  })

  test('is the same in a conversation, a raw prompt and a count', async () => {
    const ask = (content: string) => [{ role: 'user' as const, content }]
    const count = await qwen.countTokens(ask(decomposed.normalize('NFC')))
    expect(await qwen.countTokens(ask(decomposed))).toBe(count)
    const reply = await qwen.chat(ask(decomposed), { maxTokens: 1 }).done
    expect(reply.usage.promptTokens).toBe(count)
    const raw = await qwen.complete(decomposed, { maxTokens: 1 }).done
    expect(raw.usage.promptTokens).toBe(Buffer.byteLength(decomposed.normalize('NFC')))
  })
})

describe('embeddings', () => {
  test('see one text, however it is written', async () => {
    const model = randomModel({ ...options, preTokenizer: 'qwen2', pooling: 1, chatTemplate: null })
    const engine = await load({ model, parallel: 1 })
    const [sent, composed] = [decomposed, decomposed.normalize('NFC')]
    const one = await engine.embed(sent)
    expect(one.embeddings).toEqual((await engine.embed(composed)).embeddings)
    expect(one.usage.promptTokens).toBe(Buffer.byteLength(composed))
    await engine.close()
  })
})

/** Our table may be of a newer Unicode than this Node's. Of an older one: scripts/nfc-table.mjs. */
function isKnown(char: string): boolean {
  return !/[\p{Cn}\p{Cs}]/u.test(char)
}

function shuffled(chars: string[]): string[] {
  let seed = 1
  const keyed = chars.map((char) => {
    seed = (seed * 48271) % 2147483647
    return { char, seed }
  })
  return keyed.sort((a, b) => a.seed - b.seed).map(({ char }) => char)
}
