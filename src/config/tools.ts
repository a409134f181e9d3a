import type { Tool } from '../engine/types.js'
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
import { jsonOf, NotJsonError } from './json-of.js'
import type { Budget } from './schema/rules.js'
import { toolGrammarOf } from './schema/tool-cache.js'
import { type CallFormat, noGrammar, type ToolGrammar } from './schema/tool-grammar.js'
import { checkWellFormed } from './schema/well-formed.js'

export const toolsMax = 128
export const toolBytesMax = 65_536
/** Of a tool's schema, and of the arguments of a call that is past: templates recurse into both. */
export const schemaDepthMax = 32
/** As Rules counts it, for all tools together: 120 ms or so of the event loop. */
const workMax = 2_000_000

/** Why tools and calls are refused where the template would leave them out. */
export const noTools =
  "this model's chat template knows no tools and would not tell it of them; load it with one " +
  'that does (chatTemplate, --chat-template-file)'

/** A tool as the engine takes it: what the template says of it, and what its calls must be. */
export interface TemplateTool extends ToolGrammar {
  readonly name: string
  readonly description: string
  /** A JSON schema, as text. */
  readonly parameters: string
}

const toolName: Check<string> = check('1 to 64 of the characters A-Z a-z 0-9 _ -', (value) => {
  return typeof value === 'string' && /^[\w-]{1,64}$/.test(value)
})
const toolChecks: Checks<Tool> = {
  name: toolName,
  description: aString,
  parameters: check('a JSON Schema (an object)', isObject),
  strict: trueOrFalse,
}

/**
 * @param callFormat how the template writes calls; undefined where none is to be written
 * @throws InvalidOptionError and InvalidSchemaError, with the path of what is wrong
 */
export function parseTools(
  input: readonly unknown[],
  callFormat: CallFormat | undefined,
): TemplateTool[] {
  if (callFormat === 'none' && input.length > 0) throw wrong('tools', `none: ${noTools}`, input)
  const given = readItems('tools', input, parseTool)
  const bytes = given.reduce((sum, { name, description, parameters }) => {
    return sum + Buffer.byteLength(name + description + parameters)
  }, 0)
  if (bytes > toolBytesMax) {
    const expected = `at most ${toolBytesMax} bytes of tools in all, but these are ${bytes}`
    throw wrong('tools', expected, input)
  }
  const names = new Set<string>()
  for (const [i, { name }] of given.entries()) {
    if (names.has(name)) throw wrong(`tools[${i}].name`, 'a name that no other tool has', name)
    names.add(name)
  }
  const budget = { left: workMax }
  return given.map((tool, i) => withGrammar(tool, `tools[${i}]`, { format: callFormat, budget }))
}

type GivenTool = Pick<TemplateTool, 'name' | 'description' | 'parameters'> & { isStrict: boolean }

function parseTool(input: unknown, at: string): GivenTool {
  const given = parseFields<Partial<Tool>>(input, toolChecks, at)
  const parameters = schemaText(given.parameters ?? {}, `${at}.parameters`)
  if (depthOf(parameters) > schemaDepthMax) {
    throw wrong(`${at}.parameters`, `a schema at most ${schemaDepthMax} deep`, given.parameters)
  }
  const name = demand(`${at}.name`, given.name, toolName)
  const isStrict = given.strict ?? false
  return { name, description: given.description ?? '', parameters, isStrict }
}

function schemaText(schema: object, at: string): string {
  try {
    return jsonOf(schema, toolBytesMax)
  } catch (cause) {
    if (!(cause instanceof NotJsonError)) throw cause
    throw refused(`${at}${cause.path}`, cause.expected, cause.came, { cause })
  }
}

function withGrammar(
  { isStrict, ...tool }: GivenTool,
  at: string,
  { format, budget }: { format: CallFormat | undefined; budget: Budget },
): TemplateTool {
  if (format === undefined) {
    checkWellFormed(JSON.parse(tool.parameters), `${at}.parameters`)
    return { ...tool, ...noGrammar }
  }
  if (isStrict && format === 'other') {
    const why = "the model's chat template writes calls in a form that cannot be kept to a schema"
    throw wrong(`${at}.strict`, `false, as ${why}`, isStrict)
  }
  const options = { format, isStrict, budget }
  return { ...tool, ...toolGrammarOf(tool.parameters, `${at}.parameters`, options) }
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
