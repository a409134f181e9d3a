import * as z from 'zod'
import type { RequestNote, Tool, ToolChoice } from '../../../api/types.js'
import { choiceOf, isRecord } from '../../../options/other-words/tool-choice.js'
import type { WireTools } from '../../tool-list.js'
import { readTool } from '../chat/tools.js'
import { type ToolIdentity, ToolNames } from './tool-names.js'

/**
 * The tools of a request: functions, without an object of their own around them; custom tools,
 * which are offered as a function of one string; and namespaces, whose tools are offered one by
 * one. Those that run on OpenAI's servers (`web_search` and the like) are left out, which a note
 * says.
 */
export interface ResponseTools extends WireTools {
  readonly names: ToolNames
  /** As the response repeats them. */
  readonly told: readonly unknown[]
}

/** A tool where the request has it. */
interface Listed {
  readonly given: unknown
  readonly path: readonly (string | number)[]
  readonly at: string
  readonly namespace?: string
}

/** Of tools that are left out, so many are told of one by one. */
const leftOutToldMax = 64

export const responseTools = z
  .array(z.unknown(), { error: 'an array of tools' })
  .transform((list, context): ResponseTools => {
    const names = new ToolNames()
    const tools: Tool[] = []
    const places: WireTools['places'][number][] = []
    const notes: RequestNote[] = []
    let leftOut = 0
    for (const one of list.flatMap(listedAt)) {
      const read = readOne(one)
      if ('expected' in read) {
        const path = [...one.path, ...read.path]
        context.issues.push({ code: 'custom', message: read.expected, path, input: list })
        return z.NEVER
      }
      const { tool, kind } = read
      if (tool !== undefined || ++leftOut <= leftOutToldMax) notes.push(...read.notes)
      if (tool === undefined) continue
      tools.push({ ...tool, name: names.add(identityOf(tool.name, kind, one)) })
      places.push(read.place)
    }
    if (leftOut > leftOutToldMax) {
      const message = `${leftOut - leftOutToldMax} more of other types; taken as: left out`
      notes.push({ path: 'tools', message })
    }
    return { tools, places, notes, names, told: list.map(toldTool) }
  })

/** A namespace's tools are listed in its place. */
function listedAt(given: unknown, i: number): Listed[] {
  const at = `tools[${i}]`
  const isNamespace = isRecord(given) && given.type === 'namespace'
  if (!isNamespace || !Array.isArray(given.tools)) return [{ given, path: [i], at }]
  const { name: namespace } = given
  if (typeof namespace !== 'string') return [{ given, path: [i], at }]
  return given.tools.map((one: unknown, j) => {
    return { given: one, path: [i, 'tools', j], at: `${at}.tools[${j}]`, namespace }
  })
}

type ReadTool = ReturnType<typeof readTool> & { readonly kind?: ToolIdentity['kind'] }

function readOne({ given, at, namespace }: Listed): ReadTool {
  if (!isRecord(given)) return readTool(given, at)
  if (given.type === 'custom') return { ...readCustom(given, at), kind: 'custom' }
  const isBroken = given.type === 'namespace' && namespace === undefined
  if (!isBroken) return readTool(given, at)
  const field = typeof given.name === 'string' ? 'tools' : 'name'
  return { expected: field === 'tools' ? 'an array of tools' : 'a string', path: [field] }
}

function identityOf(
  name: string,
  kind: ToolIdentity['kind'] = 'function',
  { namespace }: Listed,
): ToolIdentity {
  return { kind, name, ...(namespace === undefined ? {} : { namespace }) }
}

const inputSchema = {
  type: 'object',
  properties: { input: { type: 'string' } },
  required: ['input'],
  additionalProperties: false,
}

/** Its format is told in words: of a grammar the model reads what the input has to look like. */
function readCustom(given: Record<string, unknown>, at: string): ReturnType<typeof readTool> {
  const custom = isRecord(given.custom) ? given.custom : given
  const { name, description, format } = custom
  if (typeof name !== 'string') return { expected: 'a string', path: ['name'] }
  const texts = [typeof description === 'string' ? description : '', wordsOfFormat(format)]
  const words = texts.filter((text) => text !== '').join('\n\n')
  const tool: Tool = {
    name,
    ...(words === '' ? {} : { description: words }),
    parameters: inputSchema,
  }
  return { tool, place: { function: at, parameters: at }, notes: [] }
}

function wordsOfFormat(format: unknown): string {
  if (!isRecord(format) || typeof format.definition !== 'string') return ''
  const syntax = typeof format.syntax === 'string' ? format.syntax : 'grammar'
  return `The input must follow this ${syntax}:\n${format.definition}`
}

/** A function has all of its declared fields in a response. */
function toldTool(tool: unknown): unknown {
  if (!isRecord(tool) || (tool.type !== undefined && tool.type !== 'function')) return tool
  const {
    name,
    description,
    parameters = null,
    strict = null,
  } = isRecord(tool.function) ? tool.function : tool
  const words = description === undefined ? {} : { description }
  return { type: 'function', name, ...words, parameters, strict }
}

/** Which tools may be called: for the engine, and as the response repeats it. */
export interface ResponseToolChoice {
  /** By the request's names; see `forModel`. */
  readonly choice: ToolChoice
  readonly told: unknown
}

const choiceError =
  '"auto", "none", "required", {"type": "function", "name": ...}, ' +
  '{"type": "custom", "name": ...} or {"type": "allowed_tools", "mode": "auto", "tools": [...]} ' +
  '(no other tool is run here)'

export const responseToolChoice = z.unknown().transform((given, context): ResponseToolChoice => {
  const choice = choiceOf(plainChoice(given))
  if (choice !== undefined) return { choice, told: toldChoice(given, choice) }
  context.issues.push({ code: 'custom', message: choiceError, path: [], input: given })
  return z.NEVER
})

/** A custom tool is a function to the engine. Allowed tools without a name run elsewhere. */
function plainChoice(given: unknown): unknown {
  if (!isRecord(given)) return given
  if (given.type === 'custom') return { ...given, type: 'function' }
  if (given.type !== 'allowed_tools' || !Array.isArray(given.tools)) return given
  const named = given.tools.filter((one) => !isRecord(one) || typeof one.name === 'string')
  return { ...given, tools: named }
}

function toldChoice(given: unknown, choice: ToolChoice): unknown {
  if (typeof choice === 'string') return choice
  return isRecord(given) ? given : { type: 'function', ...choice }
}

/** The same by the names that the model knows. */
export function forModel(choice: ToolChoice, names: ToolNames): ToolChoice {
  if (typeof choice === 'string') return choice
  if ('name' in choice) return { name: names.modelNameOf(choice.name) }
  return { ...choice, names: choice.names.map((name) => names.modelNameOf(name)) }
}
