import type { RunnableTool, ToolContext, ToolRunOptions } from '../api/tool-types.js'
import type { ChatOptions, Tool } from '../api/types.js'
import { chatChecks } from './chat-options.js'
import {
  aFunction,
  aString,
  type Check,
  type Checks,
  check,
  int32Max,
  integerFrom,
  isObject,
  parseFields,
  readable,
  refused,
  trueOrFalse,
  wrong,
} from './checks.js'
import { parametersCheck, readParameters, type ToolParameters } from './tool-parameters.js'

/** A tool as a run takes it. */
export interface ParsedTool {
  /** What `chat` gets of it. */
  readonly shown: Tool
  readonly parameters: ToolParameters
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

const milliseconds = integerFrom(1, int32Max)

const toolChecks: Checks<RunnableTool> = {
  description: aString,
  parameters: parametersCheck as Checks<RunnableTool>['parameters'],
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
  refuseOtherWords(input, at)
  const { run, parameters: given, ...more } = parseFields<RunnableTool>(input, toolChecks, at)
  const parameters = readParameters(given as object | undefined, `${at}.parameters`)
  const { description, strict } = more
  return {
    shown: {
      name,
      ...(description === undefined ? {} : { description }),
      ...(parameters.schema === undefined ? {} : { parameters: parameters.schema }),
      ...(strict === undefined ? {} : { strict }),
    },
    parameters,
    timeoutMs: more.timeoutMs ?? timeoutMs,
    ...(run === undefined ? {} : { run: run.bind(input) }),
  }
}

/** How other packages call what is `run` or `parameters` here; no slips of the hand. */
const otherWords = new Map<string, 'run' | 'parameters'>([
  ['execute', 'run'],
  ['handler', 'run'],
  ['function', 'run'],
  ['func', 'run'],
  ['invoke', 'run'],
  ['inputSchema', 'parameters'],
  ['input_schema', 'parameters'],
  ['schema', 'parameters'],
  ['params', 'parameters'],
])

function refuseOtherWords(input: unknown, at: string): void {
  for (const key of isObject(input) ? Object.keys(input) : []) {
    const word = otherWords.get(key)
    if (word !== undefined) throw refused(`${at}.${key}`, `'${word}', as it is named here`, 'this')
  }
}
