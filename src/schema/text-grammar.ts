import { InvalidSchemaError } from '../api/errors.js'
import { refuse } from './reading/keywords.js'
import { PatternError, parsePattern } from './strings/pattern.js'
import type { Writer } from './strings/pattern-rules.js'
import { StringRules } from './strings/string-rules.js'
import { oneOfTexts } from './values.js'
import { json, type Notation } from './writing/notation.js'
import { common, type Range } from './writing/ranges.js'
import { characterClass, Rules } from './writing/rules.js'

const regexCharactersMax = 4096
export const choicesMax = 1024
const choiceBytesMax = 64 * 1024

const characters: readonly Range[] = [
  [0, 0xd7ff],
  [0xe000, 0x10ffff],
]
const anyCharacter = characterClass(characters)
const noLimits = { min: 0, max: Number.POSITIVE_INFINITY, notPatterns: [], formats: [] }

/** Text as it stands: every character is itself. */
const plainText: Notation = {
  ...json,
  quote: '""',
  character: anyCharacter,
  content: (rules) => `${rules.add(anyCharacter)}*`,
  bare: characters,
  escapes: [],
  hasEscapes: false,
  value: (value) => (typeof value === 'string' ? value : undefined),
}

/**
 * The grammar of the texts that a regular expression matches from their beginning to their end, as
 * servers that guide replies have it. JavaScript's syntax, and Python's name of a group.
 * @param at the expression's own path, where errors begin theirs
 * @throws InvalidSchemaError
 */
export function regexGrammar(source: unknown, at = 'regex'): string {
  if (typeof source !== 'string' || source === '' || source.length > regexCharactersMax) {
    refuse(at, `a regular expression of 1 to ${regexCharactersMax} characters`, source)
  }
  if (lastRegex?.source === source) return lastRegex.grammar
  const grammar = grammarOf(at, (rules) => {
    try {
      parsePattern(source.replaceAll('(?P<', '(?<')) // by itself: "a)|(b" is none
      const patterns = [anchored(source.replaceAll('(?P<', '(?<'))]
      const limits = { ...noLimits, patterns }
      const text = new StringRules(rules, writerOf(rules)).content(limits)
      return text ?? refuse(at, 'an expression that some text matches', source)
    } catch (error) {
      if (!(error instanceof PatternError)) throw error
      return refuse(at, error.message, source)
    }
  })
  lastRegex = { source, grammar }
  return grammar
}

/** A request is checked before its prompts ask for it, each for itself. */
let lastRegex: { source: string; grammar: string } | undefined

/**
 * The grammar of one of several texts.
 * @param at as in regexGrammar()
 * @throws InvalidSchemaError
 */
export function choiceGrammar(texts: unknown, at = 'choices'): string {
  const expected = `an array of 1 to ${choicesMax} texts that are not empty`
  if (!Array.isArray(texts) || texts.length === 0 || texts.length > choicesMax) {
    refuse(at, expected, texts)
  }
  const given = Array.from(texts as unknown[], (text, i) => {
    if (typeof text === 'string' && text !== '' && !/\p{Surrogate}/u.test(text)) return text
    return refuse(`${at}[${i}]`, 'a text that is not empty', text)
  })
  const bytes = given.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  if (bytes > choiceBytesMax) refuse(at, `at most ${choiceBytesMax} bytes in all`, bytes)
  return grammarOf(at, (rules) => oneOfTexts(rules, given))
}

/** Where an expression has no anchor, any text may stand; here none may. */
function anchored(source: string): string {
  const isAnchored = /^\^[^|]*[^\\|]\$$/.test(source)
  return isAnchored ? source : `^(?:${source})$`
}

function writerOf(rules: Rules): Writer {
  return {
    any: () => rules.add(anyCharacter),
    canWrite: (ranges) => common(ranges, characters).length > 0,
    one: (ranges) => {
      const written = common(ranges, characters)
      return written.length === 0 ? '' : rules.add(characterClass(written))
    },
  }
}

function grammarOf(at: string, root: (rules: Rules) => string): string {
  const rules = new Rules(plainText)
  try {
    rules.define('root', root(rules))
    return rules.text()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new InvalidSchemaError(`'${at}': expected less: ${error.message}.`, at)
  }
}
