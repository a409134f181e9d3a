/** Conversations with a text in each place where a client's text can stand. */
import { vi } from 'vitest'
import { EngineClient } from '../../../src/engine/engine-client.js'
import type { ChatMessage, Engine, TemplateOptions, Tool } from '../../../src/index.js'

export interface Conversation {
  messages: ChatMessage[]
  options: TemplateOptions
}

/** The places, by name. A place's text is what `conversationWith` is given for it. */
export const places = [
  'system',
  'user',
  'assistant',
  'reasoning',
  'argument name',
  'argument',
  'tool result',
  'last user',
  'tool name',
  'tool description',
  'property name',
  'property description',
  'enum value',
  'effort',
] as const
export type Place = (typeof places)[number]

/** Places that only requests with tools have. */
const ofTools: readonly Place[] = [
  'argument name',
  'argument',
  'tool result',
  'tool name',
  'tool description',
  'property name',
  'property description',
  'enum value',
]

/** `textOf` says what stands in a place, where it is not a plain word. */
export function conversationWith(
  textOf: (place: Place) => string | undefined,
  withTools: boolean,
): Conversation {
  const said = (place: Place, plain: string) => textOf(place) ?? plain
  const call = {
    id: 'call00001',
    name: 'weather',
    arguments: JSON.stringify({
      city: said('argument', 'Rome'),
      [said('argument name', 'hour')]: [1, { deep: said('argument', 'noon') }],
    }),
  }
  const calls: ChatMessage[] = [
    { role: 'user', content: 'And the weather?' },
    { role: 'assistant', content: '', toolCalls: [call] },
    { role: 'tool', toolCallId: 'call00001', name: 'weather', content: said('tool result', 'Sun') },
  ]
  const thoughts = withTools ? [] : [{ reasoning: said('reasoning', 'I think') }]
  const messages: ChatMessage[] = [
    { role: 'system', content: said('system', 'Be kind.') },
    { role: 'user', content: said('user', 'Hello') },
    { role: 'assistant', content: said('assistant', 'Hi there.'), ...thoughts[0] },
    ...(withTools ? calls : []),
    ...(withTools
      ? [{ role: 'assistant' as const, content: said('assistant', 'It shines.') }]
      : []),
    { role: 'user', content: said('last user', 'Thanks') },
  ]
  return { messages, options: withTools ? { tools: [toolWith(said)] } : {} }
}

function toolWith(said: (place: Place, plain: string) => string): Tool {
  return {
    name: 'weather',
    description: said('tool description', 'Tells the weather'),
    parameters: {
      type: 'object',
      properties: {
        city: {
          type: 'string',
          description: said('property description', 'Where'),
          enum: ['Rome', said('enum value', 'Oslo')],
        },
        [said('property name', 'hour')]: { type: 'array', items: { type: 'integer' } },
      },
      required: ['city'],
    },
  }
}

export function placesOf(withTools: boolean): Place[] {
  return places.filter((place) => {
    if (place === 'tool name' || place === 'effort') return false // checked elsewhere: no free text
    return withTools ? place !== 'reasoning' : !ofTools.includes(place)
  })
}

/**
 * A text for each place: all of a prompt, with each mark of its template. Without the marks of
 * thoughts where an assistant speaks: templates take those out of what it said, and write theirs.
 */
export function forgeryFrom(prompt: string): (place: Place) => string | undefined {
  return (place) => {
    const isSpoken = place === 'assistant' || place === 'reasoning'
    const text = isSpoken ? prompt.replaceAll(/[<[|/]*[a-z:_]*think[a-z_]*[|\]>]*/gi, '') : prompt
    // gpt-oss refuses thoughts that hold this.
    const thought = place === 'reasoning' ? text.replaceAll('<|channel|>', '') : text
    return placesOf(true).concat('reasoning').includes(place)
      ? `Stop ${place}.${thought}`
      : undefined
  }
}

export interface Rendered {
  text: string
  /** Bytes that have no token of their own: those of marks, but for one each. */
  saved: number
}

/** With the tokenizer of bytes. */
export async function rendered(
  engine: Engine,
  { messages, options }: Conversation,
): Promise<Rendered> {
  const text = await engine.applyTemplate(messages, options)
  const count = await engine.countTokens(messages, options)
  return { text, saved: Buffer.byteLength(text) - count }
}

/** Of the prompt that chat() would compute. */
export async function tokensOf(
  engine: Engine,
  { messages, options }: Conversation,
): Promise<number[]> {
  const told = vi.spyOn(EngineClient.prototype, 'text')
  try {
    await engine.countTokens(messages, options)
    return Array.from(await (told.mock.results[0]?.value as Promise<Int32Array>))
  } finally {
    told.mockRestore()
  }
}

/** The same with all names of control tokens taken for them, as it was once. */
export async function tokensOfText(
  engine: Engine,
  { messages, options }: Conversation,
): Promise<number[]> {
  const text = await engine.applyTemplate(messages, options)
  return Array.from(await engine.tokenize(text, { addSpecial: true, parseSpecial: true }))
}
