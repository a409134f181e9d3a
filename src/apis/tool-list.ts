import * as z from 'zod'
import { InvalidOptionError, InvalidRequestError, InvalidSchemaError } from '../api/errors.js'
import { show } from '../api/show.js'
import type { ChatOptions, RequestNote, Tool } from '../api/types.js'
import { isRecord } from '../options/other-words/tool-choice.js'
import { schemaKeys } from '../options/tools/tools.js'
import type { ErrorWords, HttpError } from '../web/errors.js'
import { jsonIn } from '../web/json.js'
import type { ScopedEngine } from '../web/scoped-engine.js'
import { isGiven } from './request.js'

/**
 * A request's list of tools, in whichever protocol. What is no function cannot be offered and is
 * left out, which `notes` says.
 */
export interface WireTools {
  readonly tools: readonly Tool[]
  /** Where the request has each of them. */
  readonly places: readonly ToolPlace[]
  readonly notes: readonly RequestNote[]
}

interface ToolPlace {
  readonly function: string
  readonly parameters: string
}

/** Of tools of other types, so many are told of one by one. */
const leftOutToldMax = 64

/** What a tool is read as; `path` is where in it something is wrong. */
export type ToolReading =
  | { tool: Tool; place: ToolPlace; notes: RequestNote[] }
  | { tool: undefined; notes: RequestNote[] }
  | { expected: string; path: string[] }

/** A tool where a request has it. */
export interface ListedTool {
  readonly given: unknown
  readonly path: readonly (string | number)[]
  /** The same as text. */
  readonly at: string
}

/** @param readTool reads one, which stands at `at` */
export function toolList(readTool: (given: unknown, at: string) => ToolReading) {
  return listOfTools.transform((list, context): WireTools => {
    const listed = list.map((given, i): ListedTool => ({ given, path: [i], at: `tools[${i}]` }))
    return readTools(listed, ({ given, at }) => readTool(given, at), context) ?? z.NEVER
  })
}

export const listOfTools = z.array(z.unknown(), { error: 'an array of tools' })

/** @returns undefined where one of them is wrong, which `context` is told */
export function readTools<Listed extends ListedTool>(
  listed: readonly Listed[],
  readOne: (one: Listed) => ToolReading,
  context: z.core.$RefinementCtx,
): WireTools | undefined {
  const tools: Tool[] = []
  const places: ToolPlace[] = []
  const notes: RequestNote[] = []
  let leftOut = 0
  for (const one of listed) {
    const read = readOne(one)
    if ('expected' in read) {
      const path = [...one.path, ...read.path]
      context.issues.push({ code: 'custom', message: read.expected, path, input: listed })
      return undefined
    }
    if (read.tool === undefined) leftOut++
    if (read.tool !== undefined || leftOut <= leftOutToldMax) notes.push(...read.notes)
    if (read.tool === undefined) continue
    tools.push(read.tool)
    places.push(read.place)
  }
  if (leftOut > leftOutToldMax) {
    const message = `${leftOut - leftOutToldMax} more of other types; taken as: left out`
    notes.push({ path: 'tools', message })
  }
  return { tools, places, notes }
}

/** No error: an agent shall not fail for one of its tools. @param expected what can be offered */
export function leftOutTool(type: unknown, at: string, expected: string): ToolReading {
  const message = `expected ${expected}, but got ${show(type)}; taken as: left out`
  return { tool: undefined, notes: [{ path: `${at}.type`, message }] }
}

/**
 * @param path where the function stands within its tool
 * @param at where it stands in the request
 * @param own the protocol's field for the schema of its arguments; others' are taken too
 */
export function readFunction(
  one: Record<string, unknown>,
  path: string[],
  at: string,
  own: string,
): ToolReading {
  const { name, strict } = one
  if (typeof name !== 'string') return { expected: 'a string', path: [...path, 'name'] }
  const isStrict = typeof strict === 'boolean' || strict === undefined || strict === null
  if (!isStrict) return { expected: 'true or false', path: [...path, 'strict'] }
  const notes: RequestNote[] = []
  const say = (key: string, expected: string, taken: string) => {
    const message = `expected ${expected}, but got ${show(one[key])}; taken as: ${taken}`
    notes.push({ path: `${at}.${key}`, message })
  }
  const description = descriptionOf(one, say)
  const [key = own, ...others] = schemaKeys.filter((key) => isGiven(one[key]))
  for (const other of others) say(other, `nothing beside ${key}`, 'left out')
  const parameters = isGiven(one[key]) ? parametersOf(one[key]) : undefined
  if (isGiven(one[key]) && parameters === undefined) {
    if (strict === true) return { expected: 'a JSON schema, an object', path: [...path, key] }
    say(key, 'a JSON schema, an object', 'any object')
  } else if (isGiven(one[key]) && typeof one[key] === 'string') {
    say(key, 'a JSON schema, an object', 'the JSON that it holds')
  } else if (key !== own) {
    notes.push({ path: `${at}.${key}`, message: `expected "${own}"; taken as: ${own}` })
  }
  const tool: Tool = {
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parameters }),
    ...(typeof strict === 'boolean' ? { strict } : {}),
  }
  return { tool, place: { function: at, parameters: `${at}.${key}` }, notes }
}

function descriptionOf(
  { description }: Record<string, unknown>,
  say: (key: string, expected: string, taken: string) => void,
): string | undefined {
  if (description === undefined || description === null) return undefined
  if (typeof description === 'string') return description
  say('description', 'a string', 'left out')
  return undefined
}

/** Some send the schema's text. */
function parametersOf(value: unknown): Record<string, unknown> | undefined {
  if (isRecord(value)) return value
  if (typeof value !== 'string') return undefined
  const schema = jsonIn(value)
  return isRecord(schema) ? schema : undefined
}

/** Reads tools and makes their grammars, while others have the event loop as well. */
export async function preparedTools(
  engine: ScopedEngine,
  wire: WireTools | undefined,
): Promise<Pick<ChatOptions, 'tools'>> {
  if (wire === undefined || wire.tools.length === 0) return {}
  return { tools: await engine.prepareTools(wire.tools) }
}

/** The engine's path of a tool, such as `tools[0].parameters`, in the words of the request. */
function inWire(text: string, { places }: WireTools): string {
  return text.replace(/\btools\[(\d+)\](\.parameters)?/g, (path, number, parameters) => {
    const place = places[Number(number)]
    if (place === undefined) return path
    return parameters === undefined ? place.function : place.parameters
  })
}

/** The same words, and the request's own for where its tools stand. */
export function toolWords(words: ErrorWords, wire: WireTools | undefined): ErrorWords {
  if (wire === undefined) return words
  const named = (error: HttpError) => {
    const path = error.place === undefined ? undefined : toolPathOf(error.cause)
    if (path === undefined) return words.named(error)
    return words.named(error.at(inWire(path, wire), inWire(error.message, wire)))
  }
  return { ...words, named }
}

function toolPathOf(error: unknown): string | undefined {
  let path: string | undefined
  if (error instanceof InvalidOptionError) path = error.option
  if (error instanceof InvalidSchemaError) path = error.path
  if (error instanceof InvalidRequestError) path = /'(tools\[\d+\])'/.exec(error.message)?.[1]
  return path?.startsWith('tools[') ? path : undefined
}

/** The same of notes, behind those of the tools themselves. */
export function wireNotes(
  notes: readonly RequestNote[],
  wire: WireTools | undefined,
): readonly RequestNote[] {
  if (wire === undefined) return notes
  const own = notes.map(({ path, message }) => {
    return { path: inWire(path, wire), message: inWire(message, wire) }
  })
  return [...wire.notes, ...own]
}
