import { setImmediate } from 'node:timers/promises'
import { CancelledError } from '../../api/errors.js'
import { show } from '../../api/show.js'
import type { PreparedTools, RequestNote } from '../../api/types.js'
import { type JsonText, jsonTextOf, NotJsonError } from '../../schema/json-of.js'
import { readTool } from '../../schema/tool-cache.js'
import type { CallFormat, ToolGrammar } from '../../schema/tool-grammar.js'
import type { Budget } from '../../schema/writing/rules.js'
import {
  aString,
  type Check,
  type Checks,
  check,
  demand,
  isObject,
  orNull,
  parseFields,
  readItems,
  refused,
  trueOrFalse,
  wrong,
} from '../checks.js'
import { type ToolLimits, toolLimitDefaults } from '../engine-options.js'
import { type NameBudget, nameSquaresMax, takeNames } from '../object-names.js'
import { aSchema, readSchema } from '../schema-objects.js'
import { optionName } from '../spoken-names.js'
import { ToolNames, toolNameMax } from './tool-names.js'

/** Of a tool's schema as text: a body is at most 64 deep. */
const toolDepthMax = 64

/** Why tools and calls are refused where the template would leave them out. */
export function noTools(): string {
  return (
    "this model's chat template knows no tools and would not tell it of them; load it with " +
    `${optionName('toolsFallback')}, which tells it in the system message, or with another ` +
    `template (${optionName('chatTemplate')})`
  )
}

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
  readonly tools: readonly TemplateTool[]
  readonly names: ToolNames
  readonly notes: readonly RequestNote[]
}

/**
 * Tools that were read and made grammars of: `chat` takes them in the place of the tools, and has
 * little to do with them then.
 */
export class PreparedToolList implements PreparedTools {
  readonly #given: GivenTools
  readonly #format: CallFormat | undefined
  readonly #limits: ToolLimits
  readonly #parsed: ParsedTools

  constructor(
    given: GivenTools,
    format: CallFormat | undefined,
    limits: ToolLimits,
    parsed: ParsedTools,
  ) {
    this.#given = given
    this.#format = format
    this.#limits = limits
    this.#parsed = parsed
  }

  get count(): number {
    return this.#given.tools.length
  }

  /** For another engine, or where none is to be called, they are read again. */
  parse(format: CallFormat | undefined, limits: ToolLimits): ParsedTools {
    const { toolsMax, toolBytesMax, toolWorkMax } = limits
    const isSame =
      format === this.#format &&
      toolsMax === this.#limits.toolsMax &&
      toolBytesMax === this.#limits.toolBytesMax &&
      toolWorkMax === this.#limits.toolWorkMax
    return isSame ? this.#parsed : resultOf(grammarSteps(this.#given, format, limits))
  }
}

const toolName: Check<string> = check(`a name of 1 to ${toolNameMax} characters`, (value) => {
  return typeof value === 'string' && value.trim() !== '' && value.length <= toolNameMax
})
const functionType: Check<string> = check(
  '"function" (tools of other types cannot be offered; leave them out)',
  (value) => value === 'function',
)

/** A tool in our words, or in those of OpenAI, Anthropic and MCP. */
interface GivenFields {
  name?: string
  description?: string
  parameters?: object
  strict?: boolean
  inputSchema?: object
  input_schema?: object
  type?: string
  function?: object
}

const functionChecks = {
  name: toolName,
  description: orNull(aString),
  parameters: orNull(aSchema),
  inputSchema: orNull(aSchema),
  input_schema: orNull(aSchema),
  strict: orNull(trueOrFalse),
}
const toolChecks: Checks<GivenFields> = {
  ...functionChecks,
  type: functionType,
  function: orNull(
    check<object>('an object such as {"name": "get_weather", "parameters": {...}}', isObject),
  ),
}

const noneParsed: ParsedTools = { tools: [], names: new ToolNames([]), notes: [] }

/**
 * @param callFormat how the template writes calls; undefined where none is to be written
 * @throws InvalidOptionError, and InvalidSchemaError of a strict tool, with the path of what is
 * wrong
 */
export function parseTools(
  input: readonly unknown[] | PreparedTools,
  callFormat: CallFormat | undefined,
  limits: ToolLimits = toolLimitDefaults,
): ParsedTools {
  if (input instanceof PreparedToolList) return input.parse(callFormat, limits)
  const given = input as readonly unknown[]
  return given.length === 0 ? noneParsed : resultOf(toolSteps(given, callFormat, limits)).parsed
}

/**
 * The same some milliseconds at a time: others have JavaScript's thread in between.
 * @throws CancelledError once `signal` is aborted
 */
export async function prepareTools(
  input: readonly unknown[],
  callFormat: CallFormat | undefined,
  limits: ToolLimits,
  signal?: AbortSignal,
): Promise<PreparedToolList> {
  const steps = toolSteps([...input], callFormat, limits) // a copy: it may change meanwhile
  // What comes before it and what comes behind it takes a turn as well: reading the body, the chat.
  await setImmediate()
  for (let since = performance.now(); ; ) {
    const { done, value } = steps.next()
    if (!done && performance.now() - since < stretchMs) continue
    await setImmediate()
    if (signal?.aborted) {
      throw new CancelledError('the tools were abandoned by their signal', { cause: signal.reason })
    }
    if (done) return new PreparedToolList(value.given, callFormat, limits, value.parsed)
    since = performance.now()
  }
}

/** Of JavaScript's thread at a stretch; one schema may take 30. */
const stretchMs = 8

/** What takes a step for each tool. */
type Steps<Result> = Generator<void, Result, void>

function resultOf<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

/** Tools as text. */
interface GivenTools {
  readonly tools: readonly GivenTool[]
  readonly notes: readonly RequestNote[]
}

function* toolSteps(
  input: readonly unknown[],
  callFormat: CallFormat | undefined,
  limits: ToolLimits,
): Steps<{ given: GivenTools; parsed: ParsedTools }> {
  checkNumber(input, callFormat, limits)
  const read: GivenTool[] = []
  const names = { left: nameSquaresMax }
  for (const [i, one] of readItems('tools', input, (item) => item).entries()) {
    read.push(parseTool(one, `tools[${i}]`, limits, names))
    yield
  }
  checkBytes(read, limits)
  const notes: RequestNote[] = []
  const given = { tools: withoutDoubles(read, notes), notes }
  return { given, parsed: yield* grammarSteps(given, callFormat, limits) }
}

function checkNumber(
  tools: readonly unknown[],
  format: CallFormat | undefined,
  { toolsMax }: ToolLimits,
): void {
  if (format === 'none' && tools.length > 0) throw wrong('tools', `none: ${noTools()}`, tools)
  if (tools.length <= toolsMax) return
  throw wrong('tools', `at most ${toolsMax} tools (${optionName('toolsMax')})`, tools)
}

function* grammarSteps(
  given: GivenTools,
  format: CallFormat | undefined,
  limits: ToolLimits,
): Steps<ParsedTools> {
  checkNumber(given.tools, format, limits)
  checkBytes(given.tools, limits)
  const notes = [...given.notes]
  const budget = { left: limits.toolWorkMax * 1000 }
  const names = new ToolNames(given.tools.map(({ name }) => name))
  const tools: TemplateTool[] = []
  for (const tool of given.tools) {
    const { parameters, grammar } = withGrammar(tool, { format, budget, notes })
    const { at: place, name, description } = tool
    const shown = { place, name: names.shown(name), description, parameters }
    tools.push({ ...shown, isCallable: true, ...grammar })
    yield
  }
  checkArguments(tools, given.tools, format)
  return { tools, names, notes }
}

interface GivenTool {
  readonly at: string
  /** Of its schema: `tools[3].function.parameters` in OpenAI's words. */
  readonly schemaAt: string
  readonly name: string
  readonly description: string
  readonly parameters: string
  readonly isStrict: boolean
}

function parseTool(
  input: unknown,
  at: string,
  { toolBytesMax }: ToolLimits,
  names: NameBudget,
): GivenTool {
  refuseRun(input, at)
  const { given, place } = fieldsOfTool(input, at)
  const key = schemaKeyOf(given, place)
  const schemaAt = `${place}.${key}`
  const { json } = readSchema(given[key] ?? {}, schemaAt)
  const { text, depth, nameSquares } = schemaText(json, schemaAt, toolBytesMax)
  takeNames(names, nameSquares, schemaAt)
  if (depth > toolDepthMax) throw wrong(schemaAt, `a schema at most ${toolDepthMax} deep`, json)
  const name = demand(`${place}.name`, given.name, toolName)
  const { description = '', strict = false } = given
  return { at, schemaAt, name, description, parameters: text, isStrict: strict }
}

/** Where a tool may have its schema: as OpenAI, MCP and Anthropic call it. */
export const schemaKeys = ['parameters', 'inputSchema', 'input_schema'] as const

/** The one that a tool has; throws InvalidOptionError where there are several. */
export function schemaKeyOf(
  given: Readonly<Partial<Record<(typeof schemaKeys)[number], unknown>>>,
  at: string,
): (typeof schemaKeys)[number] {
  const [key = 'parameters', other] = schemaKeys.filter((one) => given[one] !== undefined)
  if (other === undefined) return key
  throw wrong(`${at}.${other}`, `nothing beside ${key}, whose other name it is`, given[other])
}

/** What a tool says of itself, and where: OpenAI has an object around it. */
function fieldsOfTool(input: unknown, at: string): { given: GivenFields; place: string } {
  const given = parseFields<GivenFields>(input, toolChecks, at)
  if (given.function === undefined) return { given, place: at }
  for (const key of ['name', 'description', ...schemaKeys, 'strict'] as const) {
    if (given[key] !== undefined) throw wrong(`${at}.${key}`, 'nothing beside function', given[key])
  }
  const place = `${at}.function`
  return { given: parseFields<GivenFields>(given.function, functionChecks as never, place), place }
}

/** A tool that runs would not be run. */
function refuseRun(input: unknown, at: string): void {
  if (!isObject(input) || !('run' in input) || typeof input.run !== 'function') return
  const expected = 'nothing here: runTools(engine, messages, { tools }) runs tools, chat() does not'
  throw wrong(`${at}.run`, expected, input.run)
}

function schemaText(schema: unknown, at: string, bytesMax: number): JsonText {
  try {
    return jsonTextOf(schema, bytesMax)
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
  const expected = `at most ${toolBytesMax} bytes of tools in all (${optionName('toolBytesMax')})`
  throw refused('tools', expected, `${bytes} bytes`)
}

/**
 * Keeps the first of several tools with one name: a call by it does not say which one was meant.
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
  const { isStrict, schemaAt: at } = tool
  if (isStrict && format === 'other') {
    const why = "the model's chat template writes calls in a form that cannot be kept to a schema"
    throw wrong(`${tool.at}.strict`, `false, as ${why}`, true)
  }
  const isSpent = budget.left < 0
  const read = readTool(tool.parameters, at, { format, isStrict, budget })
  for (const { path, message } of read.notes) notes.push({ path: `${at}${path}`, message })
  if (budget.left < 0 && !isSpent && !isStrict) {
    const message =
      'expected schemas that take less work (toolWorkMax), but got more; what cannot be looked ' +
      'through, here and after it, is taken as: any value'
    notes.push({ path: at, message })
  }
  return read
}

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
    throw refused(`${given[i]?.schemaAt}.properties`, expected, String(properties.length))
  }
}
