import type { ToolChoice } from '../../api/types.js'

/**
 * Whether and which tools a reply may call, in OpenAI's words and in those of others: "any" is
 * Mistral's and Anthropic's "required", a name alone is that tool.
 */

const words: Readonly<Record<string, ToolChoice>> = {
  auto: 'auto',
  none: 'none',
  required: 'required',
  any: 'required',
}

/** Also of an object. */
export function choiceOf(given: unknown): ToolChoice | undefined {
  if (typeof given === 'string') return choiceOfWord(given)
  if (!isRecord(given)) return undefined
  const { type } = given
  if (type === 'allowed_tools') return someOf(given)
  if (type === 'function' || type === 'tool' || type === undefined) {
    const name = nameOf(given)
    return name === undefined ? undefined : { name }
  }
  return typeof type === 'string' ? wordOfChoice(type) : undefined
}

/** Undefined for what is none of the words. */
export function wordOfChoice(word: string): ToolChoice | undefined {
  return Object.hasOwn(words, word) ? words[word] : undefined
}

/** A word, or else the name of a tool. */
function choiceOfWord(word: string): ToolChoice | undefined {
  return wordOfChoice(word) ?? (word === '' ? undefined : { name: word })
}

/** Of `{"name"}` as of `{"function": {"name"}}`; the AI SDK says `toolName`. */
function nameOf(one: Record<string, unknown>): string | undefined {
  const { toolName, name = toolName } = isRecord(one.function) ? one.function : one
  return typeof name === 'string' ? name : undefined
}

/** As chat completions have it, and as responses do, without an object of its own around it. */
function someOf(given: Record<string, unknown>): ToolChoice | undefined {
  const { mode = 'auto', tools } = isRecord(given.allowed_tools) ? given.allowed_tools : given
  if ((mode !== 'auto' && mode !== 'required') || !Array.isArray(tools)) return undefined
  const names = tools.map((one) => (isRecord(one) ? nameOf(one) : undefined))
  return names.includes(undefined) ? undefined : { names: names as string[], mode }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
