import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Engine, load, type SluiceError } from '../../../src/index.js'
import { randomModel } from '../../support/models/random-model.js'

const options = { maxTokens: 20, seed: 7, ignoreEos: true }
const prompt = 'Once upon a time there was a fox.'
const marks = [70, 71, 72] as const

async function errorOf(run: () => PromiseLike<unknown>): Promise<SluiceError> {
  try {
    await run()
  } catch (error) {
    return error as SluiceError
  }
  return expect.fail('it was accepted')
}

describe('the forms of a prompt', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await load({ model: randomModel({ infill: marks }), context: 512, kvType: 'q8_0' })
  })
  afterAll(() => engine.close())

  const said = (...request: Parameters<Engine['complete']>) => engine.complete(...request).text()

  test('token ids say what their text says', async () => {
    const tokens = await engine.tokenize(prompt, { addSpecial: true, parseSpecial: true })
    const asText = await said(prompt, options)
    expect(await said(tokens, options)).toBe(asText)
    expect(await said([...tokens], options)).toBe(asText)
    expect(await said([...tokens].reverse(), options)).not.toBe(asText)
  })

  test('token ids are taken as they are: nothing is put in front of them', async () => {
    const { promptTokens } = await engine.complete([5, 6, 7], options).accepted
    expect(promptTokens).toBe(3)
  })

  test('an id that is not in the vocabulary is named, and an empty prompt is refused', async () => {
    const { vocabulary } = engine.model
    for (const [wrong, option] of [
      [[1, 2, vocabulary], `prompt[2]`],
      [[-1], 'prompt[0]'],
      [[1.5], 'prompt[0]'],
      [Int32Array.of(0, -7), 'prompt[1]'],
      [[], 'prompt'],
    ] as const) {
      const error = await errorOf(() => engine.complete(wrong, options).done)
      expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option })
    }
    expect(await said([0, vocabulary - 1], options)).not.toBe('')
  })

  test('a gap is filled between its marks, in the order that the model knows', async () => {
    expect(engine.model.canInfill).toBe(true)
    const [before, after] = ['def add(a, b):', 'return sum <|im_start|>']
    const [pre, suf, mid] = marks
    const spelled = [
      pre,
      ...(await engine.tokenize(before)),
      suf,
      ...(await engine.tokenize(after)),
      mid,
    ]
    const reply = engine.complete(before, { ...options, suffix: after })
    expect((await reply.accepted).promptTokens).toBe(spelled.length)
    expect(await reply.text()).toBe(await said(spelled, options))
    expect(await said('', { ...options, suffix: '' })).toBe(await said([...marks], options))
  })

  test('a gap needs text around it, and a chat has none', async () => {
    const ids = await errorOf(() => engine.complete([1], { suffix: 'x' }).done)
    expect(ids).toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'prompt' })
    const ask = [{ role: 'user' as const, content: 'x' }]
    const chat = await errorOf(() => engine.chat(ask, { suffix: 'x' } as object).done)
    expect(chat).toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'suffix' })
  })

  test('a model that was not trained for gaps says so', async () => {
    const other = await load({ model: randomModel(), context: 512 })
    try {
      expect(other.model.canInfill).toBe(false)
      const error = await errorOf(() => other.complete('x', { suffix: 'y' }).done)
      expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'suffix' })
      expect(error.message).toContain('not trained to fill gaps')
    } finally {
      await other.close()
    }
  })

  test('the template gives the text that a chat computes, and its tokens are counted', async () => {
    const messages = [
      { role: 'developer' as const, content: 'Be brief.' },
      { role: 'user' as const, content: 'Tell me a story about 狐' },
    ]
    const text = await engine.applyTemplate(messages)
    expect(text).toBe(
      '<|im_start|>system\nBe brief.<|im_end|>\n' +
        '<|im_start|>user\nTell me a story about 狐<|im_end|>\n<|im_start|>assistant\n',
    )
    const { promptTokens } = await engine.chat(messages, options).accepted
    expect(await engine.countTokens(messages)).toBe(promptTokens)
    expect(await said(text, options)).toBe(await engine.chat(messages, options).text())
  })

  test('a template, or its lack, that cannot take the messages is an error', async () => {
    const other = await load({ model: randomModel({ chatTemplate: null }), context: 512 })
    const ask = [{ role: 'user' as const, content: 'x' }]
    try {
      for (const run of [() => other.applyTemplate(ask), () => other.countTokens(ask)]) {
        expect(await errorOf(run)).toHaveProperty('code', 'ERR_INVALID_REQUEST')
      }
    } finally {
      await other.close()
    }
    await expect(other.applyTemplate(ask)).rejects.toHaveProperty('code', 'ERR_CLOSED')
  })

  test('the pieces of a text are its bytes, token by token, control tokens by name', async () => {
    const text = 'the 狐 said\n<|im_end|>'
    const tokens = await engine.tokenize(text, { parseSpecial: true })
    const pieces = await engine.pieces(tokens)
    expect(pieces).toHaveLength(tokens.length)
    expect(Buffer.concat(pieces).toString()).toBe(text)
    expect(Buffer.from(pieces.at(-1) ?? []).toString()).toBe('<|im_end|>')
    expect(await engine.pieces([])).toEqual([])
    const wrong = () => engine.pieces([engine.model.vocabulary])
    expect(await errorOf(wrong)).toHaveProperty('code', 'ERR_INVALID_REQUEST')
  })
})
