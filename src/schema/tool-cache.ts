import { type ToolGrammar, type ToolGrammarOptions, toolGrammar } from './tool-grammar.js'

/** Agents send the same tools with each turn. Characters of schemas and rules, all together. */
const charactersMax = 16 * 1024 * 1024

/** The most recently used last. */
const known = new Map<string, ToolGrammar>()
let characters = 0

/**
 * What `toolGrammar` makes of a schema's JSON text, remembered.
 * @throws InvalidSchemaError
 */
export function toolGrammarOf(json: string, at: string, options: ToolGrammarOptions): ToolGrammar {
  const key = `${options.format} ${options.isStrict} ${json}`
  const grammar = known.get(key) ?? toolGrammar(JSON.parse(json), at, options)
  if (known.delete(key)) characters -= sizeOf(key, grammar)
  // What became of it may be the other tools' doing.
  if (options.budget !== undefined && options.budget.left < 0) return grammar
  known.set(key, grammar)
  characters += sizeOf(key, grammar)
  for (const [oldest, one] of known) {
    if (characters <= charactersMax || known.size === 1) break
    known.delete(oldest)
    characters -= sizeOf(oldest, one)
  }
  return grammar
}

function sizeOf(key: string, { rules, properties }: ToolGrammar): number {
  return properties.reduce((sum, { name }) => sum + name.length, key.length + rules.length)
}
