import type { StandardSchema } from '../../api/standard-schema.js'
import type { RunnableTool, ToolContext, ToolRunOptions } from '../../api/tool-types.js'
import type { ChatOptions, Tool } from '../../api/types.js'
import { chatChecks } from '../chat-options.js'
import {
  aFunction,
  aString,
  type Check,
  type Checks,
  check,
  integerFrom,
  isObject,
  milliseconds,
  parseFields,
  readable,
  trueOrFalse,
  wrong,
} from '../checks.js'
import { aSchema, readSchema } from '../schema-objects.js'
import { schemaKeyOf } from './tools.js'

/** A tool as a run takes it. */
export interface ParsedTool {
  /** What `chat` gets of it. */
  readonly shown: Tool
  /** What its arguments are held to beside the grammar, where its schema is a library's. */
  readonly standard: StandardSchema | undefined
  readonly timeoutMs: number | undefined
  /** Left out where the program answers its calls. */
  readonly run?: (given: unknown, context: ToolContext) => unknown
}

export interface ParsedToolRun {
  readonly tools: ReadonlyMap<string, ParsedTool>
  readonly maxRounds: number
  readonly toolConcurrency: number
  /** What each reply gets, but for its tools. */
  readonly chat: Omit<ChatOptions, 'tools'>
}

/** As MCP, the AI SDK and Anthropic have it, which a Tool may have too. */
type GivenTool = RunnableTool & { readonly inputSchema?: object; readonly input_schema?: object }

const toolChecks: Checks<GivenTool> = {
  description: aString,
  parameters: aSchema as Check<NonNullable<RunnableTool['parameters']>>,
  inputSchema: aSchema,
  input_schema: aSchema,
  strict: trueOrFalse,
  timeoutMs: milliseconds,
  run: aFunction as Check<NonNullable<RunnableTool['run']>>,
}

const runChecks: Checks<ToolRunOptions> = {
  ...chatChecks,
  tools: check('an object with a tool for each name ({ get_weather: { ... } })', isObject),
  maxRounds: integerFrom(1, 10_000),
  timeoutMs: milliseconds,
  toolConcurrency: integerFrom(1, 65_536),
}
const onlyOne = check<number>('1, as a run goes on with one reply', (value) => value === 1)

/** @throws InvalidOptionError, with the option's name */
export function parseToolRunOptions(input: unknown): ParsedToolRun {
  const checks = { ...runChecks, n: onlyOne }
  const given = parseFields<ToolRunOptions>(input, checks)
  const { tools, maxRounds = 10, timeoutMs, toolConcurrency = 65_536, ...chat } = given
  if (tools === undefined) throw wrong('tools', runChecks.tools.expected, tools)
  const names = readable('tools', runChecks.tools.expected, () => Object.keys(tools))
  const parsed = names.map((name) => {
    const at = `tools.${name}`
    const one = readable(at, 'a tool', () => tools[name])
    return [name, parseTool(name, one, at, timeoutMs)] as const
  })
  return { tools: new Map(parsed), maxRounds, toolConcurrency, chat }
}

function parseTool(
  name: string,
  input: unknown,
  at: string,
  timeoutMs: number | undefined,
): ParsedTool {
  const given = parseFields<GivenTool>(input, toolChecks, at)
  const key = schemaKeyOf(given, at)
  const { description, strict, run } = given
  const { json, standard } = readSchema(given[key] ?? {}, `${at}.${key}`)
  return {
    shown: {
      name,
      ...(description === undefined ? {} : { description }),
      parameters: json as NonNullable<Tool['parameters']>,
      ...(strict === undefined ? {} : { strict }),
    },
    standard,
    timeoutMs: given.timeoutMs ?? timeoutMs,
    ...(run === undefined ? {} : { run: run.bind(input) }),
  }
}
