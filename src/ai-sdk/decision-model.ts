import { randomUUID } from 'node:crypto'
import type { SharedV3ProviderMetadata, SharedV3Warning } from '@ai-sdk/provider'
import type { DecideResult, DecisionAnswer, DecisionQuestion } from '../api/decision-types.js'
import type { Engine } from '../engine/engine.js'
import { wrong } from '../options/checks.js'
import { readQuestion, textOfJson } from '../options/other-words/criteria-questions.js'
import type {
  DecisionCallAnswer,
  DecisionCallOptions,
  DecisionCallResult,
  SluiceDecisionMetadata,
  SluiceDecisionModelV4,
  StatePart,
} from './decision-types.js'
import { withSdkErrors } from './errors.js'
import { decisionOptions } from './options.js'
import { noPlaces } from './places.js'
import { textOfFile, unknownPart } from './prompt.js'

/** An engine that decides, as the AI SDK 7 asks for it. Owns nothing of the engine. */
export class SluiceDecisionModel implements SluiceDecisionModelV4 {
  readonly specificationVersion = 'v4'
  readonly provider = 'sluice'
  readonly modelId: string
  readonly supportedQuestionTypes = ['boolean', 'choice', 'score'] as const
  readonly #engine: Engine

  constructor(engine: Engine, modelId: string) {
    this.#engine = engine
    this.modelId = modelId
  }

  async doDecide(options: DecisionCallOptions): Promise<DecisionCallResult> {
    const { questions, abortSignal } = options
    const names = Object.keys(questions)
    const decide = async () => {
      const warnings = warningsOf(options)
      const state = textOfState(options.state, warnings)
      const asked = names.map((name) => questionOf(name, questions[name]))
      const result = await this.#engine.decide(state, asked, {
        ...decisionOptions(options.providerOptions),
        ...(abortSignal === undefined ? {} : { signal: abortSignal }),
      })
      const response = { id: randomUUID(), timestamp: new Date(), modelId: this.modelId }
      return { ...resultOf(names, result), warnings, response }
    }
    return withSdkErrors(abortSignal, decide, { ...noPlaces, questions: names })
  }
}

function warningsOf({ maxOutputTokens, reasoning }: DecisionCallOptions): SharedV3Warning[] {
  const warnings: SharedV3Warning[] = []
  const details = 'a decision generates no tokens'
  if (maxOutputTokens !== undefined) {
    warnings.push({ type: 'unsupported', feature: 'maxOutputTokens', details })
  }
  if (reasoning !== undefined && reasoning !== 'none' && reasoning !== 'provider-default') {
    warnings.push({ type: 'unsupported', feature: 'reasoning', details })
  }
  return warnings
}

function textOfState(state: readonly StatePart[], warnings: SharedV3Warning[]): string {
  const texts: string[] = []
  for (const part of state) {
    if (part.type === 'text') texts.push(part.text)
    else if (part.type === 'json') texts.push(textOfJson(part.value))
    else if (part.type === 'file') texts.push(textOfFile(part))
    else warnings.push(unknownPart(part)) // of a later version
  }
  return texts.join('\n')
}

/** @throws InvalidOptionError for what the AI SDK itself would not have sent */
function questionOf(name: string, given: unknown): DecisionQuestion {
  const read = readQuestion(given)
  if (!('expected' in read)) return read
  throw wrong(['questions', name, ...read.path].join('.'), read.expected, given)
}

function resultOf(names: readonly string[], { answers, usage }: DecideResult) {
  const named = <T>(of: (answer: DecisionAnswer) => T): Record<string, T> =>
    Object.fromEntries(answers.map((answer, i) => [names[i] ?? '', of(answer)]))
  const metadata: SluiceDecisionMetadata = {
    cachedTokens: usage.cachedTokens,
    answers: named((answer) => {
      const { mass } = answer
      return answer.type === 'predicate' ? { mass } : { mass, confidence: answer.confidence }
    }),
  }
  return {
    answers: named(answerOf),
    usage: { inputTokens: usage.promptTokens, outputTokens: 0 },
    providerMetadata: { sluice: metadata as unknown as SharedV3ProviderMetadata[string] },
  }
}

function answerOf(answer: DecisionAnswer): DecisionCallAnswer {
  if (answer.type === 'predicate') return { type: 'boolean', probability: answer.probability }
  const entries = answer.probabilities.map(({ value, probability }) => [value, probability])
  const probabilities = Object.fromEntries(entries) as Record<string, number>
  return answer.type === 'choice'
    ? { type: 'choice', choice: String(answer.choice), probabilities }
    : { type: 'score', score: answer.score, probabilities }
}
