/** Where in a call of the AI SDK's stands what the engine was given. */
export interface Places {
  /** Of each of the engine's messages: the place in the prompt of the one that it was made of. */
  readonly messages: readonly number[]
  /** Of each of the engine's tools: its place among all that were given. */
  readonly tools: readonly number[]
  /** Names of the engine's questions. */
  readonly questions: readonly string[]
}

export const noPlaces: Places = { messages: [], tools: [], questions: [] }

/** Options of the engine's, and what the AI SDK calls them. */
const sdkNames: Readonly<Record<string, string>> = {
  maxTokens: 'maxOutputTokens',
  stop: 'stopSequences',
  schema: 'responseFormat.schema',
  messages: 'prompt',
  signal: 'abortSignal',
  input: 'values',
}

/** A path in the engine's options, for example `messages[1].content`, in the AI SDK's words. */
export function sdkPath(path: string, places: Places): string {
  const [, own = '', index, rest = ''] = /^(\w+)(?:\[(\d+)\])?(.*)$/s.exec(path) ?? []
  if (own === 'state') return own // of which the engine is told in a message
  const name = Object.hasOwn(sdkNames, own) ? sdkNames[own] : own
  if (index === undefined) return `${name}${rest}`
  const isListed = own === 'messages' || own === 'tools'
  const place = isListed ? places[own][Number(index)] : undefined
  const inner = own === 'tools' ? rest.replace(/^\.parameters\b/, '.inputSchema') : rest
  return `${name}[${place ?? index}]${inner}`
}
