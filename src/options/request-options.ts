import { types } from 'node:util'
import { isInt32Array, isIntegerArray } from '../api/realms.js'
import { samplerSteps } from '../api/sampling-options.js'
import { isPlainObject } from '../api/show.js'
import type {
  CompletionOptions,
  ModelInfo,
  RequestOptions,
  TextOptions,
  TokenizeOptions,
} from '../api/types.js'
import { choicesMax } from '../schema/text-grammar.js'
import {
  abortSignal,
  anOwner,
  type Check,
  type Checks,
  check,
  demand,
  int32Max,
  integerFrom,
  listOf,
  numberFrom,
  oneOf,
  parseFields,
  readable,
  aString as text,
  trueOrFalse,
  wrong,
} from './checks.js'
import { parallelMax, samplingChecks } from './engine-options.js'
import { requestLora } from './lora-options.js'
import { aSchema } from './schema-objects.js'

/** OpenAI takes 4. */
export const stopsMax = 16
const stopBytesMax = 256
export const stopTokensMax = 64
const biasesMax = 1024
const saltCharactersMax = 256
export const grammarBytesMax = 64 * 1024
/** OpenAI's limit. */
const logprobsMax = 20

export const aStop: Check<string> = check(`a string of at most ${stopBytesMax} bytes`, (value) => {
  return typeof value === 'string' && isWithin(value, stopBytesMax)
})

const stop: Check<string | string[]> = {
  ...check<string | string[]>(`${aStop.expected}, or up to ${stopsMax} of them`, (value) => {
    const strings: unknown[] = Array.isArray(value) ? value : [value]
    // every() would pass over holes.
    return strings.length <= stopsMax && Array.from(strings).every(aStop.accepts)
  }),
  read: (value) => (typeof value === 'string' ? value : [...value]),
}

export const aTokenId = integerFrom(0, int32Max)
export const aBias = numberFrom(-100, 100)

/** Without a look at their biases. */
export const biasedTokens: Check<Record<string, unknown>> = check(
  `an object of at most ${biasesMax} token ids, each with ${aBias.expected}`,
  (value) => {
    if (!isPlainObject(value)) return false
    const ids = Object.keys(value)
    return ids.length <= biasesMax && ids.every(isTokenId)
  },
)

const logitBias: Check<Record<number, number>> = {
  ...check<Record<number, number>>(biasedTokens.expected, (value) => {
    return biasedTokens.accepts(value) && Object.values(value).every(aBias.accepts)
  }),
  read: (value) => ({ ...value }),
}

/** One of llama.cpp's samplers, by its name. */
export const aSampler = oneOf(...samplerSteps)

export const breakersMax = 16
/** llama.cpp takes no more. */
const breakerBytesMax = 40

export const aBreaker: Check<string> = check(
  `a text of 1 to ${breakerBytesMax} bytes`,
  (value) => typeof value === 'string' && value !== '' && isWithin(value, breakerBytesMax),
)

const aChoice: Check<string> = check('a text that is not empty', (value) => {
  return typeof value === 'string' && value !== ''
})

const grammar: Check<string> = check(
  `GBNF of 1 to ${grammarBytesMax} bytes`,
  (value) => typeof value === 'string' && value !== '' && isWithin(value, grammarBytesMax),
)

/** What a grammar has no use for, and what says nothing of what matches. */
const flagsWithoutEffect = /^[dguy]*$/

const regex: Check<string | RegExp> = {
  ...check<string | RegExp>('a regular expression without the flags i, m, s and v', (value) => {
    return types.isRegExp(value) ? flagsWithoutEffect.test(value.flags) : typeof value === 'string'
  }),
  read: (value) => (typeof value === 'string' ? value : value.source),
}

export const requestChecks: Checks<RequestOptions> = {
  ...samplingChecks,
  maxTokens: integerFrom(0, int32Max),
  stop,
  stopTokens: listOf(stopTokensMax, aTokenId, 'token ids'),
  logitBias,
  samplers: listOf(samplerSteps.length, aSampler, 'names of samplers'),
  drySequenceBreakers: listOf(breakersMax, aBreaker, 'texts'),
  ignoreEos: trueOrFalse,
  grammar,
  logprobs: integerFrom(0, logprobsMax),
  promptLogprobs: integerFrom(0, logprobsMax),
  n: integerFrom(1, parallelMax),
  schema: aSchema,
  json: trueOrFalse,
  regex,
  choices: listOf(choicesMax, aChoice, 'texts'),
  lora: requestLora,
  cacheSalt: check(
    `a string of 1 to ${saltCharactersMax} characters`,
    (value) => typeof value === 'string' && value !== '' && value.length <= saltCharactersMax,
  ),
  owner: anOwner,
  signal: abortSignal,
}

const tokenIds: Check<ArrayLike<number>> = check(
  'an Int32Array, or an array of token ids',
  (value) => {
    if (isInt32Array(value)) return true // the engine says which of them are no tokens
    if (!Array.isArray(value) && !isIntegerArray(value)) return false
    const ids = value as readonly unknown[] // findIndex() sees holes, every() would not
    return ids.findIndex((id) => !isIdBelow(id, int32Max + 1)) < 0
  },
)

const textChecks: Checks<TextOptions> = { owner: anOwner, signal: abortSignal }
const tokenizeChecks: Checks<TokenizeOptions> = {
  ...textChecks,
  addSpecial: trueOrFalse,
  parseSpecial: trueOrFalse,
}
const completionChecks: Checks<CompletionOptions> = { ...requestChecks, suffix: text }

export const formNames = ['grammar', 'schema', 'json', 'regex', 'choices'] as const

/**
 * The option that gives a reply its form, of which there is one at most.
 * @throws InvalidOptionError, with the second one's name
 */
export function formOf(options: RequestOptions): (typeof formNames)[number] | undefined {
  const forms = formNames.filter((form) => {
    return options[form] !== undefined && options[form] !== false
  })
  const [first, second] = forms
  if (second === undefined) return first
  throw wrong(second, `nothing beside ${first}: a reply has one form`, options[second])
}

/** @throws InvalidOptionError, with the option's name */
export function parseCompletionOptions(
  input: unknown,
  prompt: string | Int32Array,
  { canInfill }: Pick<ModelInfo, 'canInfill'>,
): CompletionOptions {
  const options = parseFields<CompletionOptions>(input, completionChecks)
  formOf(options)
  if (options.suffix === undefined) return options
  if (!canInfill) {
    const expected = 'nothing: this model was not trained to fill gaps (it has no tokens for that)'
    throw wrong('suffix', expected, options.suffix)
  }
  if (typeof prompt !== 'string') {
    throw wrong('prompt', 'a string where there is a suffix', Array.from(prompt))
  }
  return options
}

/**
 * Choices run at once, or the last would only start when the first has ended.
 * @throws InvalidOptionError
 */
export function checkChoices(n: number, parallel: number): void {
  if (n <= parallel) return
  throw wrong('n', `a whole number from 1 to ${parallel} (the engine's parallel)`, n)
}

/** @throws InvalidOptionError */
export function parseText(input: unknown): string {
  return demand('text', input, text)
}

/** @throws InvalidOptionError, with the option's name */
export function parseTextOptions(input: unknown): TextOptions {
  return parseFields<TextOptions>(input, textChecks)
}

/** @throws InvalidOptionError, with the option's name */
export function parseTokenizeOptions(input: unknown): TokenizeOptions {
  return parseFields<TokenizeOptions>(input, tokenizeChecks)
}

/**
 * Text, or token ids of a vocabulary of so many.
 * @throws InvalidOptionError, with the id's path, for example `prompt[3]`
 */
export function parseCompletionPrompt(input: unknown, vocabulary: number): string | Int32Array {
  if (typeof input === 'string') return input
  return readable('prompt', 'a string, or token ids', () => {
    const isList = Array.isArray(input) || isIntegerArray(input)
    if (!isList || input.length === 0) throw wrong('prompt', 'a string, or token ids', input)
    // Half a million of them may come: a check of its own for the first wrong one only.
    const wrongAt = (input as unknown[]).findIndex((token) => !isIdBelow(token, vocabulary))
    if (wrongAt >= 0) demand(`prompt[${wrongAt}]`, input[wrongAt], integerFrom(0, vocabulary - 1))
    return Int32Array.from(input)
  })
}

/**
 * A copy, since the engine reads it later: by then the caller's may have changed, or be another
 * thread's.
 * @throws InvalidOptionError
 */
export function parseTokens(input: unknown): Int32Array {
  const ids = demand('tokens', input, tokenIds)
  return readable('tokens', tokenIds.expected, () => Int32Array.from(ids))
}

function isIdBelow(token: unknown, vocabulary: number): boolean {
  return Number.isInteger(token) && (token as number) >= 0 && (token as number) < vocabulary
}

function isWithin(text: string, bytesMax: number): boolean {
  return text.length <= bytesMax && Buffer.byteLength(text) <= bytesMax
}

function isTokenId(key: string): boolean {
  return /^\d{1,10}$/.test(key) && Number(key) <= int32Max
}
