import * as z from 'zod'
import type { Tool, ToolChoice } from '../../../api/types.js'
import { choiceOf, isRecord } from '../../../options/other-words/tool-choice.js'
import { isGiven } from '../../request.js'
import { type ListedTool, listOfTools, readTools, type WireTools } from '../../tool-list.js'
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

/** A tool, or one of a namespace's. */
interface Listed extends ListedTool {
  readonly namespace?: string
}

export const responseTools = listOfTools.transform((list, context): ResponseTools => {
  const names = new ToolNames()
  const told = new Map<string, unknown>()
  const readOne = (one: Listed) => {
    const read = readListed(one)
    if ('expected' in read || read.tool === undefined) return read
    const { tool, kind = 'function' } = read
    told.set(one.at, kind === 'function' ? toldFunction(tool) : toldCustom(one.given))
    return { ...read, tool: { ...tool, name: names.add(identityOf(tool.name, kind, one)) } }
  }
  const read = readTools(list.flatMap(listedAt), readOne, context)
  if (read === undefined) return z.NEVER
  return { ...read, names, told: list.map((given, i) => toldAt(given, i, told)) }
})

interface Namespace extends Record<string, unknown> {
  readonly name: string
  readonly tools: readonly unknown[]
}

function isNamespace(given: unknown): given is Namespace {
  if (!isRecord(given) || given.type !== 'namespace') return false
  return typeof given.name === 'string' && Array.isArray(given.tools)
}

/** A namespace's tools are listed in its place. */
function listedAt(given: unknown, i: number): Listed[] {
  if (!isNamespace(given)) return [{ given, path: [i], at: placeOf(i) }]
  const { name: namespace } = given
  return given.tools.map((one, j) => {
    return { given: one, path: [i, 'tools', j], at: placeOf(i, j), namespace }
  })
}

function placeOf(i: number, j?: number): string {
  return j === undefined ? `tools[${i}]` : `tools[${i}].tools[${j}]`
}

/** As the response has it: what was read of a function, and of anything else what was given. */
function toldAt(given: unknown, i: number, told: ReadonlyMap<string, unknown>): unknown {
  if (!isNamespace(given)) return told.get(placeOf(i)) ?? given
  return { ...given, tools: given.tools.map((one, j) => told.get(placeOf(i, j)) ?? one) }
}

type ReadTool = ReturnType<typeof readTool> & { readonly kind?: ToolIdentity['kind'] }

const toolError = 'an object such as {"type": "function", "name": "get_weather", ...}'

function readListed({ given, at, namespace }: Listed): ReadTool {
  if (!isRecord(given)) return { expected: toolError, path: [] }
  // A chat's would be told to have an object of its own around its name.
  const isFlat = given.type === 'function' && !isGiven(given.function)
  if (isFlat && given.name === undefined) return { expected: 'a string', path: ['name'] }
  if (given.type === 'custom') return { ...readCustom(given, at), kind: 'custom' }
  const isBroken = given.type === 'namespace' && namespace === undefined
  if (!isBroken) return readTool(given, at)
  const field = typeof given.name === 'string' ? 'tools' : 'name'
  return { expected: field === 'tools' ? 'an array of tools' : 'a string', path: [field] }
}

function identityOf(name: string, kind: ToolIdentity['kind'], { namespace }: Listed): ToolIdentity {
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
  const isWrapped = isRecord(given.custom)
  const { name, description, format } = isRecord(given.custom) ? given.custom : given
  if (typeof name !== 'string') {
    return { expected: 'a string', path: isWrapped ? ['custom', 'name'] : ['name'] }
  }
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

/** Without the object of its own that chats have around it. */
function toldCustom(given: unknown): unknown {
  return isRecord(given) && isRecord(given.custom) ? { type: 'custom', ...given.custom } : given
}

/** A function has all of its declared fields in a response. */
function toldFunction({ name, description, parameters, strict }: Tool): object {
  const words = description === undefined ? {} : { description }
  return {
    type: 'function',
    name,
    ...words,
    parameters: parameters ?? null,
    strict: strict ?? null,
  }
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
