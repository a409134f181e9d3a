import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ChatMessage, type Engine, load } from '../../../../src/index.js'
import {
  conversationWith,
  forgeryFrom,
  placesOf,
  rendered,
  tokensOf,
  tokensOfText,
} from '../../../support/chats/forged-chats.js'
import { marksOf, templateNames, templateText } from '../../../support/chats/templates.js'
import { type RandomModelOptions, randomModel } from '../../../support/models/random-model.js'

// What somebody says is text, also where it has the form of a control token. The tokenizer of these
// models has a token for each byte, so that only a mark makes a prompt shorter than its text.

const ask = (content: string): ChatMessage[] => [{ role: 'user', content }]
const open: Engine[] = []

async function engineOf(options: RandomModelOptions, chatTemplate?: string): Promise<Engine> {
  const engine = await load({
    model: randomModel({ layers: 1, context: 65536, ...options }),
    parallel: 1,
    context: 4096,
    ...(chatTemplate === undefined ? {} : { chatTemplate }),
  })
  open.push(engine)
  return engine
}
afterAll(() => Promise.all(open.map((engine) => engine.close())))

describe('a forged turn', () => {
  const marks = { control: marksOf(templateNames.map(templateText)) }
  const shown = { places: 0, of: 0 }
  beforeAll(() => engineOf({ marks })) // keeps the model loaded

  test.each(templateNames)('is text in %s, wherever it stands', async (name) => {
    const engine = await engineOf({ marks }, templateText(name))
    for (const withTools of engine.model.canCallTools ? [false, true] : [false]) {
      const plain = conversationWith(() => undefined, withTools)
      const before = await rendered(engine, plain)
      expect(await tokensOf(engine, plain)).toEqual(await tokensOfText(engine, plain))
      const forgery = forgeryFrom(before.text)
      const forged = conversationWith((place) => forgery(place), withTools)
      const after = await rendered(engine, forged)
      expect(after.saved).toBe(before.saved)
      const places = placesOf(withTools)
      shown.of += places.length
      shown.places += places.filter((place) => after.text.includes(`Stop ${place}.`)).length
    }
    const goesOn = (content: string) => ({
      messages: [
        ...ask('Hello'),
        { role: 'assistant' as const, content, reasoning: `${content}!` },
      ],
      options: { continueFinal: true },
    })
    const whole = await rendered(engine, goesOn('So'))
    const begun = await rendered(engine, goesOn(`So${whole.text}`))
    expect(begun.text).toContain(`So${whole.text}`)
    expect(begun.saved).toBe(whole.saved)
    await engine.close()
  })

  test('stood in the prompts of all these tests', () => {
    // The others are what templates leave out: thoughts before the last turn, for the most part.
    expect(shown.of).toBeGreaterThan(1000)
    expect(shown.places / shown.of).toBeGreaterThan(0.93)
  })
})

describe('a mark', () => {
  const control = ['<a>', '<b>', '<|user|>', '<bos>', '<eos>', '<|unk|>']
  const text = (body: string) => `{% set text = messages[0].content %}${body}`

  test.each([
    ['in the template', '<a>{{ text }}<b>', 'x', 2],
    ['in a message', '{{ text }}', '<a><b>', 0],
    ['half in a message', '<{{ text }}>', 'a', 0],
    ['half in a message, by concatenation', "{{ '<' + text + '>' }}{{ '<' ~ text ~ '>' }}", 'a', 0],
    ['of the role', "{{ '<|' + messages[0].role + '|>' }}<|{{ messages[0].role }}|>", 'x', 2],
    ['of the vocabulary’s variables', 'x{{ bos_token }}{{ text }}{{ eos_token }}x', 'x', 2],
    ['in JSON', '{{ text | tojson }}{{ [text] | tojson(indent=2) }}', '<a>', 0],
    ['in JSON of the template', "{{ {'<a>': text, 'k': '<b>'} | tojson }}", '<a>', 2],
    ['in pieces', "{{ text.split(' ')[0] }}{{ text.split(' ')[1] }}{{ text[0:3] }}", '<a> <b>', 0],
    ['in pieces of both', "{{ ('<a> ' + text).split(' ')[0] }}{{ ('<a> ' + text)[4:] }}", '<b>', 1],
    [
      'in a replacement',
      "{{ text | replace('x', '<a>') }}{{ 'x' | replace('x', text) }}",
      'x<b>',
      1,
    ],
    ['made of a replacement', "{{ text | replace('.', '') }}", '<.a>', 0],
    ['in a list', "{{ [text, '<b>'] | join('<a>') }}{{ [text] }}{{ [text] | string }}", '<a>', 2],
    ['through a macro', '{% macro f(x) %}<a>{{ x }}{% endmacro %}{{ f(text) }}', '<b>', 1],
    ['through a block', '{% set y %}<a>{{ text }}{% endset %}{{ y | trim }}', '<b>', 1],
    [
      'through filters',
      '{{ text | trim | lower | capitalize | indent(1, true) | string }}',
      '<A>',
      0,
    ],
  ])('is told from the text of a message %s', async (_, template, content, marks) => {
    const engine = await engineOf(
      { marks: { control, bos: '<bos>', eos: '<eos>' } },
      text(template),
    )
    const { text: prompt, saved } = await rendered(engine, { messages: ask(content), options: {} })
    const tokens = await tokensOf(engine, { messages: ask(content), options: {} })
    expect(tokens.filter((token) => token > 255).length - 2).toBe(marks)
    expect(saved).toBeLessThanOrEqual(prompt.length)
    await engine.close()
  })
})

describe('a user-defined token', () => {
  const userDefined = ['<think>', '</think>', '    ', '<table>', '<|turn|>', '<tool>']
  const template =
    '<think>{{ messages[0].content }}</think>' +
    "{% for m in messages if m.role == 'tool' %}{{ '<' ~ m.role ~ '>' }}{% endfor %}"
  let engine: Engine
  beforeAll(async () => {
    engine = await engineOf({ marks: { control: ['<end>'], userDefined } }, template)
  })
  const savedBy = async (content: string) => {
    return (await rendered(engine, { messages: ask(content), options: {} })).saved
  }

  test('that the template writes is a mark, and text where a message has it', async () => {
    const own = await savedBy('x')
    expect(own).toBe('<think>'.length + '</think>'.length - 2)
    expect(await savedBy('</think>')).toBe(own)
    expect(await savedBy('<|turn|>')).toBe(own)
  })

  test('that is a word of the vocabulary stays a token wherever it stands', async () => {
    const own = await savedBy('x')
    expect(await savedBy('a    b<table>')).toBe(own + 3 + 6)
  })

  test('is text around a gap, where it is a mark', async () => {
    const marks = { control: ['<end>'], userDefined: ['<|pre|>', '<suf>', '<mid>', '<table>'] }
    const filler = await engineOf({ marks, infill: [257, 258, 259] })
    const { usage } = await filler.complete('a<|pre|><table>', { suffix: '<suf>', maxTokens: 1 })
      .done
    expect(usage.promptTokens).toBe(3 + 'a<|pre|>'.length + 1 + '<suf>'.length)
  })
})

describe('BOS', () => {
  const options = { marks: { control: ['<s>', '</s>'], bos: '<s>' } }
  const [bos, x] = [256, 'x'.charCodeAt(0)]

  test.each([
    ['no', '{{ messages[0].content }}'],
    ['one', '{{ bos_token }}{{ messages[0].content }}'],
    ['one, as text', '<s>{{ messages[0].content }}'],
    ['two', '{{ bos_token }}{{ bos_token }}{{ messages[0].content }}'],
  ])('is there once where the template writes %s', async (_, template) => {
    const engine = await engineOf(options, template)
    expect(await tokensOf(engine, { messages: ask('x'), options: {} })).toEqual([bos, x])
    const { usage } = await engine.chat(ask('x'), { maxTokens: 1 }).done
    expect(usage.promptTokens).toBe(2)
    // What somebody says is not taken off the prompt.
    expect(await tokensOf(engine, { messages: ask('<s>x'), options: {} })).toEqual([
      bos,
      ...Buffer.from('<s>x'),
    ])
  })

  test('is there once in a raw prompt that begins with its name, and in counts', async () => {
    const engine = await engineOf(options)
    for (const prompt of ['x', '<s>x', '<s><s>x']) {
      const { usage } = await engine.complete(prompt, { maxTokens: 1 }).done
      expect(usage.promptTokens).toBe(2)
      const counted = await engine.tokenize(prompt, { addSpecial: true, parseSpecial: true })
      expect(Array.from(counted)).toEqual([bos, x])
    }
    const within = await engine.tokenize('x<s>', { addSpecial: true, parseSpecial: true })
    expect(Array.from(within)).toEqual([bos, x, bos])
    const asText = await engine.tokenize('<s>x', { addSpecial: true, parseSpecial: false })
    expect(Array.from(asText)).toEqual([bos, ...Buffer.from('<s>x')])
    const ids = await engine.complete([bos, bos, x], { maxTokens: 1 }).done
    expect(ids.usage.promptTokens).toBe(3)
  })

  test('is there once in a vocabulary of sentence pieces', async () => {
    const engine = await engineOf({ tokenizer: 'llama-spm' })
    const special = { addSpecial: true, parseSpecial: true }
    const plain = await engine.tokenize('Hello', special)
    expect(await engine.tokenize('<s>Hello', special)).toEqual(plain)
    expect(plain[0]).toBe(1)
    expect(plain[1]).not.toBe(1)
  })

  test('is there once in what is embedded, as is the last token where one is added', async () => {
    const marks = { control: ['<s>', '</s>'], bos: '<s>', eos: '</s>' }
    const engine = await engineOf({ marks, pooling: 1, chatTemplate: null })
    for (const input of ['x', '<s>x', 'x</s>', '<s>x</s></s>']) {
      expect((await engine.embed(input)).usage.promptTokens).toBe(3)
    }
  })
})

describe('a reply that comes back', () => {
  test('has the tokens that were generated: the cache is hit', async () => {
    const engine = await load({ model: 'models/storyteller.gguf', parallel: 1, context: 2048 })
    open.push(engine)
    const first: ChatMessage[] = ask('Tell me of the fox and the <|im_end|> mark.')
    const reply = engine.chat(first, { maxTokens: 40, temperature: 0 })
    const said = await reply.text()
    const { usage } = await reply.done
    expect(usage.promptTokens).toBeGreaterThan((await engine.tokenize('<|im_end|>')).length)
    const next = [...first, { role: 'assistant' as const, content: said }, ...ask('And then?')]
    const again = await engine.chat(next, { maxTokens: 1 }).done
    const { promptTokens, completionTokens } = usage
    expect(again.usage.cachedTokens).toBeGreaterThanOrEqual(promptTokens + completionTokens - 1)
  })
})
