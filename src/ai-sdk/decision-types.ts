import type { SharedV3ProviderMetadata, SharedV3Warning } from '@ai-sdk/provider'
import type { FilePart } from './prompt.js'

/**
 * The AI SDK's model of decisions, as its release 7 has it (`experimental_decide`). Release 6 has
 * no such types, so they are written here: as far as they are read, and in its words.
 */
export interface SluiceDecisionModelV4 {
  readonly specificationVersion: 'v4'
  readonly provider: string
  readonly modelId: string
  readonly supportedQuestionTypes: readonly ('boolean' | 'choice' | 'score')[]
  doDecide(options: DecisionCallOptions): Promise<DecisionCallResult>
}

/** JSON is not typed, since the two releases of the AI SDK do not agree on what it is. */
export interface DecisionCallOptions {
  readonly state: readonly StatePart[]
  readonly questions: Readonly<Record<string, Question>>
  readonly maxOutputTokens?: number | undefined
  readonly reasoning?: string | undefined
  readonly abortSignal?: AbortSignal | undefined
  readonly providerOptions?: Readonly<Record<string, unknown>> | undefined
}

interface Question {
  readonly type: string
  readonly instructions?: unknown
  readonly criteria?: unknown
}

export type StatePart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'json'; readonly value: unknown }
  | ({ readonly type: 'file' } & FilePart)

export type DecisionCallAnswer =
  | { type: 'boolean'; probability: number }
  | { type: 'choice'; choice: string; probabilities: Record<string, number> }
  | { type: 'score'; score: number; probabilities: Record<string, number> }

export interface DecisionCallResult {
  answers: Record<string, DecisionCallAnswer>
  usage: { inputTokens: number; outputTokens: number }
  warnings: SharedV3Warning[]
  providerMetadata: SharedV3ProviderMetadata
  response: { id: string; timestamp: Date; modelId: string }
}

/** What `providerMetadata.sluice` of a decision tells beside what the AI SDK has a place for. */
export interface SluiceDecisionMetadata {
  /** Tokens of the input that did not have to be computed. */
  readonly cachedTokens: number
  /** Of each answer, by the question's name, what docs/decisions.md says. */
  readonly answers: Readonly<
    Record<string, { readonly mass: number; readonly confidence?: number }>
  >
}
