import type {
  ChoiceQuestion,
  DecideOptions,
  DecisionQuestion,
  DescribedChoice,
  DescribedLevel,
  PredicateQuestion,
  ScoreQuestion,
} from '../api/decision-types.js'
import { InvalidOptionError } from '../api/errors.js'
import {
  abortSignal,
  type Check,
  type Checks,
  check,
  demand,
  isObject,
  parseFields,
  readable,
  readItems,
  aString as text,
  wrong,
} from './checks.js'
import { requestChecks } from './request-options.js'

/** Questions of one call, as OpenAI has it. */
export const questionsMax = 400
/** Options of one question, as both OpenAI and TypeSafe have it. */
export const decisionOptionsMax = 255

const someText: Check<string> = check('a text that is not empty', (value) => {
  return typeof value === 'string' && value.trim() !== ''
})
const aBeginning: Check<string> = check(
  'a text that is not empty and has no blank at its end (one is written behind it)',
  (value) => typeof value === 'string' && /\S$/.test(value),
)
const aValue: Check<string | boolean> = check('a string, true or false', (value) => {
  return typeof value === 'string' || typeof value === 'boolean'
})
const optionList: Check<readonly unknown[]> = check(
  `an array of 1 to ${decisionOptionsMax} options`,
  (value) => Array.isArray(value) && value.length > 0 && value.length <= decisionOptionsMax,
)
const questionList: Check<readonly unknown[]> = check(
  `an array of 1 to ${questionsMax} questions`,
  (value) => Array.isArray(value) && value.length > 0 && value.length <= questionsMax,
)
type Kind = DecisionQuestion['type']
const kind: Check<Kind> = check('"predicate", "choice" or "score"', (value) => {
  return value === 'predicate' || value === 'choice' || value === 'score'
})

/** A question whose options were not looked at yet; its kind was. */
type Given<Question, Options extends keyof Question = never> = {
  readonly [K in keyof Question]: K extends 'type'
    ? Kind
    : K extends Options
      ? readonly unknown[]
      : Question[K]
}

const predicateChecks: Checks<Given<PredicateQuestion>> = { type: kind, instructions: someText }
const choiceChecks: Checks<Given<ChoiceQuestion, 'choices'>> = {
  type: kind,
  instructions: text,
  choices: optionList,
  begins: aBeginning,
}
const scoreChecks: Checks<Given<ScoreQuestion, 'levels'>> = {
  type: kind,
  instructions: text,
  levels: optionList,
}
const choiceFields: Checks<DescribedChoice> = { value: aValue, description: text }
const levelFields: Checks<DescribedLevel> = { label: text, description: text }

export const decideChecks: Checks<DecideOptions> = {
  orders: check('1 or 2', (value) => value === 1 || value === 2),
  lora: requestChecks.lora,
  cacheSalt: requestChecks.cacheSalt,
  owner: requestChecks.owner,
  signal: abortSignal,
}

const aState: Check<string | readonly object[]> = check('a text, or messages', (value) => {
  return typeof value === 'string' || (Array.isArray(value) && value.length > 0)
})

/** As messages, of which each is looked at elsewhere. @throws InvalidOptionError */
export function parseState(input: unknown): readonly object[] {
  const state = demand('state', input, aState)
  return typeof state === 'string' ? [{ role: 'user', content: state }] : state
}

/** What is wrong with the messages of a state is told at their place in it: `state[0].role`. */
export function inState<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error
    const option = error.option.replace(/^messages\b/, 'state')
    const message = error.message.replace(/^'messages\b/, "'state")
    throw new InvalidOptionError(option, message, { cause: error.cause })
  }
}

/** @throws InvalidOptionError, with the option's name */
export function parseDecideOptions(input: unknown): DecideOptions {
  return parseFields<DecideOptions>(input, decideChecks)
}

/** @throws InvalidOptionError, with the path of what is wrong: `questions[2].choices[0].value` */
export function parseQuestions(input: unknown): DecisionQuestion[] {
  return readItems('questions', demand('questions', input, questionList), parseQuestion)
}

function parseQuestion(input: unknown, at: string): DecisionQuestion {
  if (!isObject(input)) throw wrong(at, 'a question (an object with a type)', input)
  const given = readable(`${at}.type`, kind.expected, () => (input as { type?: unknown }).type)
  const type = demand(`${at}.type`, given, kind)
  switch (type) {
    case 'predicate': {
      const { instructions } = parseFields(input, predicateChecks, at)
      return { type, instructions: demand(`${at}.instructions`, instructions, someText) }
    }
    case 'choice': {
      const { choices, ...rest } = parseFields(input, choiceChecks, at)
      const given = demand(`${at}.choices`, choices, optionList)
      const read = readItems(`${at}.choices`, given, parseChoice)
      checkDistinct(read, `${at}.choices`)
      return { ...rest, type, choices: read }
    }
    case 'score': {
      const { levels, ...rest } = parseFields(input, scoreChecks, at)
      const given = demand(`${at}.levels`, levels, optionList)
      return { ...rest, type, levels: readItems(`${at}.levels`, given, parseLevel) }
    }
  }
}

function parseChoice(input: unknown, at: string): DescribedChoice {
  if (!isObject(input)) return { value: demand(at, input, aValue) }
  const choice = parseFields<DescribedChoice>(input, choiceFields, at)
  demand(`${at}.value`, choice.value, aValue)
  return choice
}

function parseLevel(input: unknown, at: string): DescribedLevel {
  if (!isObject(input)) return { label: demand(at, input, text) }
  const level = parseFields<DescribedLevel>(input, levelFields, at)
  demand(`${at}.label`, level.label, text)
  return level
}

/** A text and a boolean of the same name are two. */
function checkDistinct(choices: readonly DescribedChoice[], at: string): void {
  const seen = new Set<string | boolean>()
  for (const [i, { value }] of choices.entries()) {
    if (seen.has(value)) throw wrong(`${at}[${i}]`, 'a value that no other choice has', value)
    seen.add(value)
  }
}
