import { InvalidSchemaError } from '../api/errors.js'
import type { RequestNote } from '../api/types.js'
import { readableSchema } from './reading/readable-schema.js'
import { checkWellFormed } from './reading/well-formed.js'
import { type CallFormat, noGrammar, type ToolGrammar, toolGrammar } from './tool-grammar.js'
import type { Budget } from './writing/rules.js'

/** What is made of a tool's schema. */
interface ReadTool {
  /** JSON text of the schema, as far as it can be read. */
  readonly parameters: string
  /** What was taken otherwise than it says, with paths below the schema. */
  readonly notes: readonly RequestNote[]
  readonly grammar: ToolGrammar
}

interface ReadOptions {
  /** undefined where no call is to be written. */
  readonly format: CallFormat | undefined
  /** Refuses what is malformed or cannot be kept to, which is otherwise left out. */
  readonly isStrict: boolean
  /** Of all tools of a request. */
  readonly budget: Budget
}

type KnownTool = Omit<ReadTool, 'grammar'> & { readonly grammars: Map<CallFormat, ToolGrammar> }

/** Agents send the same tools with each turn. Characters of schemas and rules, all together. */
const charactersMax = 16 * 1024 * 1024

/** By their texts, the most recently used last. */
const known = new Map<string, KnownTool>()
let characters = 0

/**
 * What is made of a schema's JSON text, remembered: it is parsed, looked through and compiled once.
 * @param at the schema's own path, where errors begin theirs
 * @throws InvalidSchemaError where it is strict
 */
export function readTool(json: string, at: string, options: ReadOptions): ReadTool {
  const { format, isStrict, budget } = options
  const key = `${isStrict} ${json}`
  const before = known.get(key)
  const { schema, tool } =
    before === undefined ? read(json, at, isStrict) : { schema: undefined, tool: before }
  const grammar =
    format === undefined
      ? noGrammar
      : (tool.grammars.get(format) ??
        toolGrammar(schema ?? JSON.parse(tool.parameters), at, { format, isStrict, budget }))
  if (known.delete(key)) characters -= sizeOf(key, tool)
  // What became of it may be the other tools' doing.
  if (format !== undefined && budget.left >= 0) tool.grammars.set(format, grammar)
  known.set(key, tool)
  characters += sizeOf(key, tool)
  for (const [oldest, one] of known) {
    if (characters <= charactersMax || known.size === 1) break
    known.delete(oldest)
    characters -= sizeOf(oldest, one)
  }
  return { parameters: tool.parameters, notes: tool.notes, grammar }
}

function read(json: string, at: string, isStrict: boolean): { schema: unknown; tool: KnownTool } {
  const given: unknown = JSON.parse(json)
  const notes: RequestNote[] = []
  const schema = isStrict ? given : readable(given, notes)
  if (isStrict) checkWellFormed(schema, at)
  const parameters = schema === given ? json : JSON.stringify(schema)
  return { schema, tool: { parameters, notes, grammars: new Map() } }
}

function readable(schema: unknown, notes: RequestNote[]): unknown {
  try {
    const read = readableSchema(schema, '', (note) => notes.push(note))
    checkWellFormed(read, '')
    return read
  } catch (error) {
    if (!(error instanceof InvalidSchemaError)) throw error
    notes.push({ path: error.path, message: 'expected a JSON Schema; taken as: any object' })
    return {}
  }
}

function sizeOf(key: string, { parameters, grammars }: KnownTool): number {
  let size = key.length + parameters.length
  for (const { rules, properties } of grammars.values()) {
    size += properties.reduce((sum, { name, json, text }) => {
      return sum + name.length + json.length + text.length
    }, rules.length)
  }
  return size
}
