import type { ChatMessage, RequestNote, ToolCall } from '../api/types.js'
import { jsonTextOf, NotJsonError } from '../schema/json-of.js'
import {
  type Check,
  type Checks,
  check,
  demand,
  isObject,
  oneOf,
  orNull,
  parseFields,
  readable,
  readItems,
  refused,
  aString as text,
  wrong,
} from './checks.js'
import { type NameBudget, nameSquaresMax, nameSquaresOf, takeNames } from './object-names.js'
import { readContent } from './other-words/message-content.js'

/** A message as the engine takes it: complete, wherever it stands. */
export interface TemplateMessage {
  role: string
  content: string
  reasoning: string
  name: string
  toolCallId: string
  toolCalls: ToolCall[]
}

/** Of arguments that are given as an object, once they are text. */
const argumentsMax = 16 * 2 ** 20

const list: Check<[]> = check('an array', Array.isArray)
const object: Check<object> = check('an object', isObject)
const anything: Check<NonNullable<unknown>> = check('anything', () => true)
const ourRoles: Check<ChatMessage['role']> = oneOf(
  'system',
  'developer',
  'user',
  'assistant',
  'tool',
)
/** `function` is OpenAI's older word for a tool. */
const role: Check<ChatMessage['role'] | 'function'> = {
  ...check<ChatMessage['role'] | 'function'>(ourRoles.expected, (value) => {
    return value === 'function' || ourRoles.accepts(value)
  }),
}
const callArguments: Check<string | object> = check('JSON text or an object', (value) => {
  return typeof value === 'string' || isObject(value)
})
const noAudio: Check<never> = check('nothing (audio is not read yet; leave it out)', () => false)

/** A message in our words, in OpenAI's, or in both. */
interface GivenMessage {
  role: ChatMessage['role'] | 'function'
  content?: unknown
  reasoning?: string
  toolCalls?: readonly unknown[]
  toolCallId?: string
  name?: string
  reasoning_content?: string
  tool_calls?: readonly unknown[]
  tool_call_id?: string
  function_call?: object
  refusal?: string
  annotations?: unknown
  audio?: never
}

const messageChecks: Checks<GivenMessage> = {
  role,
  content: anything,
  reasoning: orNull(text),
  toolCalls: list,
  toolCallId: text,
  name: orNull(text),
  reasoning_content: orNull(text),
  tool_calls: orNull(list),
  tool_call_id: orNull(text),
  function_call: orNull(object),
  refusal: orNull(text),
  annotations: anything, // of a text that a search has made; no template knows them
  audio: orNull(noAudio),
}

/** A call in our words, or in OpenAI's, where a function or a custom tool is called. */
interface GivenCall {
  id?: string
  name?: string
  arguments?: string | object
  type?: string
  index?: number
  function?: object
  custom?: object
}

const ownCallChecks = { name: text, arguments: orNull(callArguments) }
const customCallChecks = { name: text, input: orNull(text) }
const callChecks: Checks<GivenCall> = {
  id: orNull(text),
  ...ownCallChecks,
  type: orNull(text),
  index: check('a number', (value) => typeof value === 'number'), // of a stream's deltas
  function: orNull(object),
  custom: orNull(object),
}

const conversation: Check<readonly unknown[]> = check(
  'an array of at least one message',
  (value) => Array.isArray(value) && value.length > 0,
)

/**
 * @param notes what was taken otherwise than it says is added
 * @throws InvalidOptionError, with the path of what is wrong, for example `messages[0].role`
 */
export function parseMessages(input: unknown, notes: RequestNote[] = []): TemplateMessage[] {
  const names = { left: nameSquaresMax }
  const given = demand('messages', input, conversation)
  return readItems('messages', given, (one, at) => parseMessage(one, at, { names, notes }))
}

interface Context {
  readonly names: NameBudget
  readonly notes: RequestNote[]
}

/** As templates know them: `developer` becomes `system`. */
function parseMessage(message: unknown, at: string, { names, notes }: Context): TemplateMessage {
  const given = parseFields<Partial<GivenMessage>>(message, messageChecks, at)
  const asked = demand(`${at}.role`, given.role, role)
  const name = asked === 'function' ? 'tool' : asked
  const toolCalls = callsOf(given, at, name, names)
  if (given.name !== undefined && name !== 'tool') {
    notes.push({
      path: `${at}.name`,
      message: 'expected nothing, as templates know names of tools alone; taken as: left out',
    })
  }
  const said = contentOf(given, at, name)
  return {
    role: name === 'developer' ? 'system' : name,
    content: said.text,
    reasoning: either(given, 'reasoning', 'reasoning_content', at) ?? said.reasoning,
    name: (name === 'tool' ? given.name : undefined) ?? '',
    toolCallId: either(given, 'toolCallId', 'tool_call_id', at) ?? '',
    toolCalls,
  }
}

/** What stands under our name or under OpenAI's. */
function either<A extends keyof GivenMessage, B extends keyof GivenMessage>(
  given: Partial<GivenMessage>,
  ours: A,
  theirs: B,
  at: string,
): GivenMessage[A] | GivenMessage[B] | undefined {
  const own: unknown = given[ours]
  const other: unknown = given[theirs]
  if (own === undefined || other === undefined || own === other) return given[ours] ?? given[theirs]
  throw wrong(`${at}.${theirs}`, `nothing beside ${ours}, whose other name it is`, other)
}

function contentOf({ content, refusal }: Partial<GivenMessage>, at: string, role: string) {
  const path = `${at}.content`
  const given = content ?? refusal
  const said = readable(path, text.expected, () => readContent(given, role))
  if (!('expected' in said)) return said
  const value = said.path.reduce<unknown>((one, key) => Object(one)[key], given)
  const below = said.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('')
  throw wrong(path + below, said.expected, value)
}

function callsOf(
  given: Partial<GivenMessage>,
  at: string,
  role: string,
  names: NameBudget,
): ToolCall[] {
  const key = given.toolCalls === undefined ? 'tool_calls' : 'toolCalls'
  const calls = either(given, 'toolCalls', 'tool_calls', at) ?? []
  const read = readItems(`${at}.${key}`, calls as readonly unknown[], (one, path) => {
    return parseCall(one, path, names)
  })
  const { function_call: older } = given
  if (read.length === 0 && older !== undefined) {
    read.push(parseCall({ function: older }, at, names, 'function_call'))
  }
  if (role === 'assistant' || read.length === 0) return read
  // What answers an older call may have it beside.
  if (role === 'tool' && calls.length === 0) return []
  throw wrong(`${at}.${key}`, `none of a ${role}, as only an assistant calls tools`, calls)
}

function parseCall(input: unknown, at: string, names: NameBudget, inner = 'function'): ToolCall {
  const given = parseFields<Partial<GivenCall>>(input, callChecks, at)
  const id = given.id ?? ''
  const path = `${at}.${given.function === undefined ? 'custom' : inner}`
  if (given.function === undefined && given.custom === undefined)
    return { id, ...called(given, at) }
  for (const key of ['name', 'arguments'] as const) {
    if (given[key] !== undefined) throw wrong(`${at}.${key}`, `nothing beside ${path}`, given[key])
  }
  if (given.function !== undefined) {
    const one = parseFields<Partial<GivenCall>>(given.function, ownCallChecks as never, path)
    return { id, ...called(one, path) }
  }
  const { name, input: words } = parseFields<{ name?: string; input?: string }>(
    given.custom,
    customCallChecks,
    path,
  )
  const json = JSON.stringify({ input: words ?? '' })
  return { id, name: demand(`${path}.name`, name, text), arguments: json }

  function called(one: Partial<GivenCall>, place: string) {
    return {
      name: demand(`${place}.name`, one.name, text),
      arguments: argumentsText(one.arguments ?? '', `${place}.arguments`, names),
    }
  }
}

function argumentsText(given: string | object, at: string, names: NameBudget): string {
  if (typeof given === 'string') {
    takeNames(names, nameSquaresOf(given), at)
    return given
  }
  try {
    const { text, nameSquares } = jsonTextOf(given, argumentsMax)
    takeNames(names, nameSquares, at)
    return text
  } catch (cause) {
    if (!(cause instanceof NotJsonError)) throw cause
    throw refused(`${at}${cause.path}`, cause.expected, cause.came, { cause })
  }
}
