import { setImmediate } from 'node:timers/promises'
import { InvalidSchemaError } from '../api/errors.js'
import { show } from '../api/show.js'
import type { RequestNote, Tool } from '../api/types.js'
import { jsonOf, NotJsonError } from '../schema/json-of.js'
import { readableSchema } from '../schema/readable-schema.js'
import type { Budget } from '../schema/rules.js'
import { toolGrammarOf } from '../schema/tool-cache.js'
import { type CallFormat, noGrammar, type ToolGrammar } from '../schema/tool-grammar.js'
import { checkWellFormed } from '../schema/well-formed.js'
import {
  aString,
  type Check,
  type Checks,
  check,
  demand,
  isObject,
  parseFields,
  readItems,
  refused,
  trueOrFalse,
  wrong,
} from './checks.js'
import { type ToolLimits, toolLimitDefaults } from './engine-options.js'
import { ToolNames, toolNameMax } from './tool-names.js'

/** Of a tool's schema as text: a body is at most 64 deep. */
const toolDepthMax = 64

/** Why tools and calls are refused where the template would leave them out. */
export const noTools =
  "this model's chat template knows no tools and would not tell it of them; load it with one " +
  'that does (chatTemplate, --chat-template-file)'

/** A tool as the engine takes it: what the template says of it, and what its calls must be. */
export interface TemplateTool extends ToolGrammar {
  /** Where it stands in the request: `tools[3]`. */
  readonly place: string
  /** As the model writes it. */
  readonly name: string
  readonly description: string
  /** A JSON schema, as text. */
  readonly parameters: string
  /** Whether the reply may call it; the model is told of it in any case. */
  readonly isCallable: boolean
}

/** The tools of a request, with what was taken of them otherwise than it says. */
interface ParsedTools {
  readonly tools: TemplateTool[]
  readonly names: ToolNames
  readonly notes: RequestNote[]
}

const toolName: Check<string> = check(`a name of 1 to ${toolNameMax} characters`, (value) => {
  return typeof value === 'string' && value.trim() !== '' && value.length <= toolNameMax
})
const toolChecks: Checks<Tool> = {
  name: toolName,
  description: aString,
  parameters: check('a JSON Schema (an object)', isObject),
  strict: trueOrFalse,
}

/**
 * @param callFormat how the template writes calls; undefined where none is to be written
 * @throws InvalidOptionError, and InvalidSchemaError of a strict tool, with the path of what is
 * wrong
 */
export function parseTools(
  input: readonly unknown[],
  callFormat: CallFormat | undefined,
  limits: ToolLimits = toolLimitDefaults,
): ParsedTools {
  const steps = toolSteps(input, callFormat, limits)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

/**
 * The same some milliseconds at a time, others have JavaScript's thread in between. What is made of
 * each schema is remembered, so that `parseTools` takes little then.
 */
export async function prepareTools(
  input: readonly unknown[],
  callFormat: CallFormat | undefined,
  limits: ToolLimits,
): Promise<void> {
  const steps = toolSteps(input, callFormat, limits)
  let since = performance.now()
  while (!steps.next().done) {
    if (performance.now() - since < stretchMs) continue
    await setImmediate()
    since = performance.now()
  }
}

/** Of JavaScript's thread at a stretch; one schema may take 30. */
const stretchMs = 8

/** A step for each tool. */
function* toolSteps(
  input: readonly unknown[],
  callFormat: CallFormat | undefined,
  limits: ToolLimits,
): Generator<void, ParsedTools, void> {
  if (callFormat === 'none' && input.length > 0) throw wrong('tools', `none: ${noTools}`, input)
  if (input.length > limits.toolsMax) {
    throw wrong('tools', `at most ${limits.toolsMax} tools (toolsMax)`, input)
  }
  const notes: RequestNote[] = []
  const read: GivenTool[] = []
  for (const [i, one] of readItems('tools', input, (item) => item).entries()) {
    read.push(parseTool(one, `tools[${i}]`, limits))
    yield
  }
  checkBytes(read, limits)
  const given = withoutDoubles(read, notes)
  const budget = { left: limits.toolWorkMax * 1000 }
  const names = new ToolNames(given.map(({ name }) => name))
  const tools: TemplateTool[] = []
  for (const tool of given) {
    const { name, description, parameters, rules, root, properties } = withGrammar(tool, {
      format: callFormat,
      budget,
      notes,
    })
    const shown = { place: tool.at, name: names.shown(name), description, parameters }
    tools.push({ ...shown, isCallable: true, rules, root, properties })
    yield
  }
  checkArguments(tools, given, callFormat)
  return { tools, names, notes }
}

interface GivenTool {
  readonly at: string
  readonly name: string
  readonly description: string
  readonly parameters: string
  readonly isStrict: boolean
}

function parseTool(input: unknown, at: string, { toolBytesMax }: ToolLimits): GivenTool {
  const given = parseFields<Partial<Tool>>(input, toolChecks, at)
  const parameters = schemaText(given.parameters ?? {}, `${at}.parameters`, toolBytesMax)
  if (depthOf(parameters) > toolDepthMax) {
    throw wrong(`${at}.parameters`, `a schema at most ${toolDepthMax} deep`, given.parameters)
  }
  const name = demand(`${at}.name`, given.name, toolName)
  const isStrict = given.strict ?? false
  return { at, name, description: given.description ?? '', parameters, isStrict }
}

function schemaText(schema: object, at: string, bytesMax: number): string {
  try {
    return jsonOf(schema, bytesMax)
  } catch (cause) {
    if (!(cause instanceof NotJsonError)) throw cause
    throw refused(`${at}${cause.path}`, cause.expected, cause.came, { cause })
  }
}

function checkBytes(tools: readonly GivenTool[], { toolBytesMax }: ToolLimits): void {
  const bytes = tools.reduce((sum, { name, description, parameters }) => {
    return sum + Buffer.byteLength(name + description + parameters)
  }, 0)
  if (bytes <= toolBytesMax) return
  const expected = `at most ${toolBytesMax} bytes of tools in all (toolBytesMax)`
  throw refused('tools', expected, `${bytes} bytes`)
}

/**
 * Of several tools with one name the first: whoever is called by it cannot tell which was meant.
 * @throws InvalidOptionError where one of them is strict and differs
 */
function withoutDoubles(tools: readonly GivenTool[], notes: RequestNote[]): GivenTool[] {
  const first = new Map<string, GivenTool>()
  for (const tool of tools) {
    const { at, name, description, parameters, isStrict } = tool
    const known = first.get(name)
    if (known === undefined) {
      first.set(name, tool)
      continue
    }
    const isSame = known.description === description && known.parameters === parameters
    const expected = 'a name that no other tool has'
    if (!isSame && (isStrict || known.isStrict)) throw wrong(`${at}.name`, expected, name)
    const message = `expected ${expected}, but got ${show(name)}; left out, as ${known.at} has it`
    notes.push({ path: `${at}.name`, message })
  }
  return [...first.values()]
}

interface GrammarContext {
  readonly format: CallFormat | undefined
  readonly budget: Budget
  readonly notes: RequestNote[]
}

function withGrammar(tool: GivenTool, { format, budget, notes }: GrammarContext) {
  const at = `${tool.at}.parameters`
  if (tool.isStrict && format === 'other') {
    const why = "the model's chat template writes calls in a form that cannot be kept to a schema"
    throw wrong(`${tool.at}.strict`, `false, as ${why}`, true)
  }
  if (tool.isStrict) {
    if (format !== undefined) {
      const options = { format, isStrict: true, budget }
      return { ...tool, ...toolGrammarOf(tool.parameters, at, options) }
    }
    checkWellFormed(JSON.parse(tool.parameters), at)
    return { ...tool, ...noGrammar }
  }
  const { parameters, notes: own } = readableText(tool.parameters)
  for (const { path, message } of own) notes.push({ path: `${at}${path}`, message })
  if (format === undefined) return { ...tool, parameters, ...noGrammar }
  const isSpent = budget.left < 0
  const grammar = toolGrammarOf(parameters, at, { format, isStrict: false, budget })
  if (budget.left < 0 && !isSpent) {
    const message =
      'expected schemas that take less work (toolWorkMax), but got more; what cannot be looked ' +
      'through, here and after it, is taken as: any value'
    notes.push({ path: at, message })
  }
  return { ...tool, parameters, ...grammar }
}

/** Schemas that agents send again and again, by their text. */
const readable = new Map<string, { parameters: string; notes: readonly RequestNote[] }>()
const readableCharactersMax = 2 ** 23
let readableCharacters = 0

/** As readableSchema has it, with paths below the schema. */
function readableText(parameters: string): { parameters: string; notes: readonly RequestNote[] } {
  const known = readable.get(parameters)
  if (known !== undefined) return known
  const notes: RequestNote[] = []
  const schema: unknown = JSON.parse(parameters)
  let read: unknown
  try {
    read = readableSchema(schema, '', (note) => notes.push(note))
    checkWellFormed(read, '')
  } catch (error) {
    if (!(error instanceof InvalidSchemaError)) throw error
    return { parameters: '{}', notes: [...notes, { path: error.path, message: anyObject }] }
  }
  const made = { parameters: read === schema ? parameters : JSON.stringify(read), notes }
  if (readableCharacters > readableCharactersMax) {
    readable.clear()
    readableCharacters = 0
  }
  readable.set(parameters, made)
  readableCharacters += parameters.length
  return made
}

const anyObject = 'expected a JSON Schema; taken as: any object'

/** llama.cpp's parser of calls whose arguments are written one by one grows with their square. */
const argumentSquaresMax = 2_000_000

function checkArguments(
  tools: readonly TemplateTool[],
  given: readonly GivenTool[],
  format: CallFormat | undefined,
): void {
  if (format !== 'tagged' && format !== 'other') return
  let squares = 0
  for (const [i, { properties }] of tools.entries()) {
    squares += properties.length ** 2
    if (squares <= argumentSquaresMax) continue
    const expected =
      'fewer arguments: their numbers, squared, may come to ' +
      `${argumentSquaresMax} for all tools together with this chat template`
    throw refused(`${given[i]?.at}.parameters.properties`, expected, String(properties.length))
  }
}

/**
 * How deep brackets are nested in JSON text. Not by a regular expression: in text that is no JSON
 * it would look for the end of a string from each quote on.
 */
export function depthOf(json: string): number {
  let depth = 0
  let deepest = 0
  let isString = false
  for (let i = 0; i < json.length; i++) {
    const character = json[i]
    if (isString && character === '\\') i++
    else if (character === '"') isString = !isString
    else if (isString) continue
    else if (character === '{' || character === '[') deepest = Math.max(deepest, ++depth)
    else if (character === '}' || character === ']') depth--
  }
  return deepest
}
