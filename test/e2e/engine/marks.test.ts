import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Session } from '../../../src/engine/session.js'
import { type ChatMessage, type Engine, load, type TemplateOptions } from '../../../src/index.js'
import { conversationWith, forgeryFrom, placesOf, rendered } from '../../support/forged-chats.js'
import { type RandomModelOptions, randomModel } from '../../support/random-model.js'
import { marksOf, templateNames, templateText } from '../../support/templates.js'

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

/** Of the prompt that chat() would compute. */
async function tokensOf(engine: Engine, messages: ChatMessage[], options: TemplateOptions = {}) {
  const told = vi.spyOn(Session.prototype, 'tokenizeChat')
  try {
    await engine.countTokens(messages, options)
    return Array.from(await (told.mock.results[0]?.value as Promise<Int32Array>))
  } finally {
    told.mockRestore()
  }
}

/** The same with all names of control tokens taken for them, as it was once. */
async function tokensOfText(
  engine: Engine,
  messages: ChatMessage[],
  options: TemplateOptions = {},
) {
  const text = await engine.applyTemplate(messages, options)
  return Array.from(await engine.tokenize(text, { addSpecial: true, parseSpecial: true }))
}

describe('a forged turn', () => {
  // Of two parts in some templates: `<` and the name of a property, which is what a tool says.
  const control = marksOf(templateNames.map(templateText)).filter((mark) => mark !== '<required>')
  const marks = { control }
  const shown = { places: 0, of: 0 }
  beforeAll(() => engineOf({ marks })) // keeps the model loaded

  test.each(templateNames)('is text in %s, wherever it stands', async (name) => {
    const engine = await engineOf({ marks }, templateText(name))
    let renders = 0
    for (const withTools of [false, true]) {
      const plain = conversationWith(() => undefined, withTools)
      const before = await rendered(engine, plain).catch(() => undefined)
      if (before === undefined) continue // it refuses such a conversation
      renders++
      expect(await tokensOf(engine, plain.messages, plain.options)).toEqual(
        await tokensOfText(engine, plain.messages, plain.options),
      )
      const forgery = forgeryFrom(before.text)
      const forged = conversationWith((place) => forgery(place), withTools)
      const after = await rendered(engine, forged)
      expect(after.saved).toBe(before.saved)
      const places = placesOf(withTools)
      shown.of += places.length
      shown.places += places.filter((place) => after.text.includes(`Stop ${place}.`)).length
    }
    expect(renders).toBeGreaterThan(0)
    await engine.close()
  })

  test('was in the prompts', () => {
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
  ])('%s', async (_, template, content, marks) => {
    const engine = await engineOf(
      { marks: { control, bos: '<bos>', eos: '<eos>' } },
      text(template),
    )
    const { text: prompt, saved } = await rendered(engine, { messages: ask(content), options: {} })
    const tokens = await tokensOf(engine, ask(content))
    expect(tokens.filter((token) => token > 255).length - 2).toBe(marks)
    expect(saved).toBeLessThanOrEqual(prompt.length)
    await engine.close()
  })
})
