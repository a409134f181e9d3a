import * as z from 'zod'
import type { Tool, ToolChoice } from '../../../api/types.js'
import { choiceOf, isRecord } from '../../../options/other-words/tool-choice.js'
import {
  otherKind,
  type ReadTool,
  readTool,
  readToolList,
  toolArray,
  type WireTools,
} from '../chat/tools.js'
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

export const responseTools = toolArray.transform((list, context): ResponseTools => {
  const names = new ToolNames()
  const wire = readToolList(list, context, (given, at) => readAny(given, at, names))
  return { ...wire, names, told: list.map(toldTool) }
})

function readAny(given: unknown, at: string, names: ToolNames): readonly ReadTool[] {
  if (isRecord(given) && given.type === 'namespace') return readNamespace(given, at, names)
  return [readOne(given, at, names)]
}

function readOne(given: unknown, at: string, names: ToolNames, namespace?: string): ReadTool {
  const isCustom = isRecord(given) && given.type === 'custom'
  const read = isCustom ? readCustom(given, at) : readTool(given, at)
  if ('expected' in read || read.tool === undefined) return read
  const identity: ToolIdentity = {
    kind: isCustom ? 'custom' : 'function',
    name: read.tool.name,
    ...(namespace === undefined ? {} : { namespace }),
  }
  return { ...read, tool: { ...read.tool, name: names.add(identity) } }
}

const namespaceError = 'an object such as {"type": "namespace", "name": "crm", "tools": [...]}'

function readNamespace(
  { name, tools }: Record<string, unknown>,
  at: string,
  names: ToolNames,
): readonly ReadTool[] {
  if (typeof name !== 'string') return [{ expected: namespaceError, path: ['name'] }]
  if (!Array.isArray(tools)) return [{ expected: 'an array of tools', path: ['tools'] }]
  return tools.map((one, i) => {
    const place = `${at}.tools[${i}]`
    if (isRecord(one) && one.type === 'namespace') return otherKind('namespace', place)
    const read = readOne(one, place, names, name)
    return 'expected' in read ? { ...read, path: ['tools', i, ...read.path] } : read
  })
}

const inputSchema = {
  type: 'object',
  properties: { input: { type: 'string' } },
  required: ['input'],
  additionalProperties: false,
}

/** Its format is told in words: of a grammar the model reads what the input has to look like. */
function readCustom(given: Record<string, unknown>, at: string): ReadTool {
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
  '"auto", "none", "required", {"type": "function", "name": ...}, {"type": "custom", "name": ...} ' +
  'or {"type": "allowed_tools", "mode": "auto", "tools": [...]} (no other tool is run here)'

export const responseToolChoice = z.unknown().transform((given, context): ResponseToolChoice => {
  const choice = choiceOf(plainChoice(given))
  if (choice !== undefined) return { choice, told: toldChoice(given, choice) }
  context.issues.push({ code: 'custom', message: choiceError, path: [], input: given })
  return z.NEVER
})

/** A custom tool is a function to the engine; of allowed tools those without a name run elsewhere. */
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
