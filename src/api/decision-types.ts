/** What `Engine.decide` takes and gives, in the words of OpenAI's decisions. */

/** Whether something is so. */
export interface PredicateQuestion {
  readonly type: 'predicate'
  /** A question, or a statement that is true or not. Not empty. */
  readonly instructions: string
}

/** Which one of several it is. */
export interface ChoiceQuestion {
  readonly type: 'choice'
  /** Default: which one fits best. */
  readonly instructions?: string
  /** 1 to 255 that differ, as far as the vocabulary has labels for them. */
  readonly choices: readonly (string | boolean | DescribedChoice)[]
  /**
   * What the answer begins with, for models that go on with a text rather than name an option:
   * `This is a story about a`. Then no options are shown, and each choice is known by its first
   * token, which must be its own. No blank at its end: one is written behind it. Default: options
   * are shown, with labels.
   */
  readonly begins?: string
}

export interface DescribedChoice {
  readonly value: string | boolean
  /** For the model, behind the value. */
  readonly description?: string
}

/** How much of something there is. */
export interface ScoreQuestion {
  readonly type: 'score'
  /** Default: which level fits best. */
  readonly instructions?: string
  /** 1 to 255, from the lowest to the highest. */
  readonly levels: readonly (string | DescribedLevel)[]
}

export interface DescribedLevel {
  readonly label: string
  /** For the model, behind the label. */
  readonly description?: string
}

export type DecisionQuestion = PredicateQuestion | ChoiceQuestion | ScoreQuestion

interface AnyAnswer {
  /**
   * How much of the model's distribution stood on the labels of the answer, 0 to 1. Where it is
   * little, the model was about to say something else, and what it decides is worth as little.
   */
  readonly mass: number
}

export interface PredicateAnswer extends AnyAnswer {
  readonly type: 'predicate'
  /** That it is so, 0 to 1. */
  readonly probability: number
}

export interface ChoiceAnswer extends AnyAnswer {
  readonly type: 'choice'
  /** The likeliest; of equals the first. */
  readonly choice: string | boolean
  /** How far the likeliest stands above chance: 0 where all are equal, 1 where one is certain. */
  readonly confidence: number
  /** In the order of the question's choices; they sum to 1. */
  readonly probabilities: readonly { value: string | boolean; probability: number }[]
}

export interface ScoreAnswer extends AnyAnswer {
  readonly type: 'score'
  /** The mean of the levels' places, from 0, by their probabilities. */
  readonly score: number
  /** As of a choice. */
  readonly confidence: number
  /** In the order of the question's levels; they sum to 1. */
  readonly probabilities: readonly { value: number; label: string; probability: number }[]
}

export type DecisionAnswer = PredicateAnswer | ChoiceAnswer | ScoreAnswer

/** The answer to a question of this kind. */
export type AnswerTo<Question> = Question extends { type: infer Type }
  ? Extract<DecisionAnswer, { type: Type }>
  : never

export interface DecideOptions {
  /**
   * In how many orders a question's options are shown to the model: 2 asks in one order and in the
   * reverse of it, and takes the mean, since models prefer what stands at some place; 1 costs half
   * as much. A predicate has no options, and is asked once, unless the vocabulary has no tokens
   * for yes and no. Default 2.
   */
  readonly orders?: 1 | 2
  /** As in RequestOptions. */
  readonly lora?: string | Readonly<Record<string, number>>
  /** As in RequestOptions. */
  readonly cacheSalt?: string
  /** As in RequestOptions. */
  readonly owner?: string
  /** Aborting it cancels what is under way and rejects with ERR_CANCELLED. */
  readonly signal?: AbortSignal
}

export interface DecideResult<Answers = readonly DecisionAnswer[]> {
  /** One for each question, in their order. */
  readonly answers: Answers
  readonly usage: {
    /** Tokens of the state, once, and of what was asked about it, template included. */
    readonly promptTokens: number
    /** Of them, those that were not computed, since their state was known. */
    readonly cachedTokens: number
  }
}
