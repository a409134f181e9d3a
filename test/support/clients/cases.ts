import {
  chat,
  chatChunk,
  delta,
  type Frames,
  frame,
  keepalive,
  messages,
  messagesUnnamed,
  pieces,
  responses,
  responsesUnnamed,
  type Wire,
} from './frames.js'

/** What a server answers to the first request. All later ones get the text as it should be. */
export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly first: Body
}

export interface Body {
  readonly text: string
  /** What follows again and again, as long as there is a client. */
  readonly repeated?: string
}

/** One thing that a server may do, and what a heading calls it. */
export interface Case {
  readonly title: string
  readonly answers: Readonly<Partial<Record<Wire, Answer>>>
}

const framesOf: Record<Wire, Frames> = { chat, responses, messages }
const wires = Object.keys(framesOf) as Wire[]

/** A stream of the text, with what a case puts in front of it and between its two pieces. */
function whole(frames: Frames, { before = '', between = '' } = {}): string {
  const { opening, text, ending, last } = frames
  return before + opening + text[0] + between + text[1] + ending + last
}

function one(text: string, repeated?: string): Answer {
  return { first: repeated === undefined ? { text } : { text, repeated } }
}

/** The same of each wire, or of some. */
function each(make: (frames: Frames, wire: Wire) => string, of = wires): Case['answers'] {
  const answers = of.map((wire) => [wire, one(make(framesOf[wire], wire))])
  return Object.fromEntries(answers) as Case['answers']
}

function refusedFirst(seconds: number): Case['answers'] {
  const message = 'the queue is full'
  const error = { message, type: 'rate_limit_error', param: null, code: 'queue_full' }
  const refusals: Record<Wire, object> = {
    chat: { error },
    responses: { error },
    messages: { type: 'error', error: { type: 'rate_limit_error', message } },
  }
  const answers = wires.map((wire) => {
    const headers = { 'retry-after': `${seconds}`, 'content-type': 'application/json' }
    return [wire, { status: 429, headers, first: { text: JSON.stringify(refusals[wire]) } }]
  })
  return Object.fromEntries(answers) as Case['answers']
}

const nulls = { error: null }
/** Of each wire, what is sent while a reply is awaited. */
const signs: Record<Wire, string> = {
  chat: ': ping\n\n',
  responses: keepalive,
  messages: frame({ type: 'ping' }, 'ping'),
}

export const cases = {
  cut: {
    title: 'A tool call that is cut in its arguments',
    answers: each((one) => one.opening + one.cutCall),
  },
  unknown: {
    title: 'An event that nobody knows',
    answers: each((one) => whole(one, { between: one.unknown })),
  },
  ping: {
    title: 'A sign of life in the middle',
    answers: each((one, wire) => whole(one, { between: signs[wire] })),
  },
  'ping-first': {
    title: 'A sign of life before anything else',
    answers: each((one, wire) => whole(one, { before: signs[wire] })),
  },
  error: {
    title: "An error in the middle of a stream, in the wire's own form",
    answers: each((one) => one.opening + one.text[0] + one.failure),
  },
  'error-bare': {
    title: 'An error in the middle as a bare `data: {"error": ...}`',
    answers: each((one) => one.opening + one.text[0] + chat.failure, ['responses', 'messages']),
  },
  'error-named': {
    title: 'An error in the middle as `event: error`',
    answers: { chat: one(`${chat.opening}${chat.text[0]}event: error\n${chat.failure}`) },
  },
  'retry-3': { title: '429 with `Retry-After: 3`', answers: refusedFirst(3) },
  'retry-75': { title: '429 with `Retry-After: 75`', answers: refusedFirst(75) },
  'error-null': {
    title: '`"error": null` in a chunk',
    answers: {
      chat: one(
        chatChunk([delta(0, { role: 'assistant', content: pieces.join('') })], nulls) +
          chatChunk([delta(0, {}, 'stop')], nulls) +
          chat.last,
      ),
    },
  },
  unnamed: {
    title: 'Frames without `event:`',
    answers: { responses: one(whole(responsesUnnamed)), messages: one(whole(messagesUnnamed)) },
  },
  choices: {
    title: 'Two choices, whose chunks alternate',
    answers: {
      chat: one(
        chatChunk([delta(0, { role: 'assistant', content: 'on' })]) +
          chatChunk([delta(1, { role: 'assistant', content: 'ze' })]) +
          chatChunk([delta(0, { content: 'e' })]) +
          chatChunk([delta(1, { content: 'ro' })]) +
          chatChunk([delta(0, {}, 'stop')]) +
          chatChunk([delta(1, {}, 'length')]) +
          chat.last,
      ),
    },
  },
  abort: {
    title: 'The client leaves in the middle',
    answers: Object.fromEntries(
      wires.map((wire) => {
        const { opening, text } = framesOf[wire]
        return [wire, one(opening + text[0], text[1])]
      }),
    ),
  },
  'no-last': {
    title: 'The end without `[DONE]`, `response.completed` or `message_stop`',
    answers: each(({ opening, text, ending }) => opening + text.join('') + ending),
  },
  'no-end': {
    title: 'The end in the middle of the text',
    answers: each(({ opening, text }) => opening + text[0]),
  },
} as const satisfies Record<string, Case>

export type CaseName = keyof typeof cases

export function answerTo(name: string, wire: Wire): Answer | undefined {
  const one: Case | undefined = Object.hasOwn(cases, name) ? cases[name as CaseName] : undefined
  return one?.answers[wire]
}

/** The text as it should be. */
export function wholeAnswer(wire: Wire): Answer {
  return one(whole(framesOf[wire]))
}

/** The cases of a wire. */
export function caseNames(wire: Wire): CaseName[] {
  return (Object.keys(cases) as CaseName[]).filter((name) => answerTo(name, wire) !== undefined)
}
