import type { DecisionAnswer, DecisionQuestion } from '../../api/decision-types.js'

/** How likely each label of a question's options was where the model was asked once. */
export type Reading = readonly number[]

/** @param readings natural logarithms, of each way in which the question was asked */
export function answerOf(question: DecisionQuestion, readings: readonly Reading[]): DecisionAnswer {
  const mass = mean(readings.map((reading) => reading.reduce((sum, one) => sum + Math.exp(one), 0)))
  const shares = sharesOf(readings)
  const told = { mass: Math.min(1, mass) }
  switch (question.type) {
    case 'predicate':
      return { type: 'predicate', probability: shares[0] ?? 0, ...told }
    case 'choice': {
      const values = question.choices.map((one) => (typeof one === 'object' ? one.value : one))
      const best = shares.indexOf(Math.max(...shares))
      return {
        type: 'choice',
        choice: values[best] ?? '',
        confidence: confidenceOf(shares),
        probabilities: values.map((value, i) => ({ value, probability: shares[i] ?? 0 })),
        ...told,
      }
    }
    case 'score': {
      const names = question.levels.map((one) => (typeof one === 'object' ? one.label : one))
      const score = shares.reduce((sum, share, i) => sum + i * share, 0)
      return {
        type: 'score',
        score: Math.min(score, names.length - 1),
        confidence: confidenceOf(shares),
        probabilities: names.map((label, value) => {
          return { value, label, probability: shares[value] ?? 0 }
        }),
        ...told,
      }
    }
  }
}

/**
 * Options' shares of what stood on all of them. Of several orders the logarithms' mean: what a
 * model adds to a label wherever it stands is then added to each option alike, if there are two.
 */
function sharesOf(readings: readonly Reading[]): number[] {
  const count = readings[0]?.length ?? 0
  const logs = Array.from({ length: count }, (_, i) => {
    return mean(readings.map((reading) => reading[i] ?? Number.NEGATIVE_INFINITY))
  })
  const highest = Math.max(...logs)
  const powers = logs.map((log) => Math.exp(log - highest))
  const whole = powers.reduce((sum, power) => sum + power, 0)
  return powers.map((power) => power / whole)
}

function confidenceOf(shares: readonly number[]): number {
  if (shares.length === 1) return 1
  const chance = 1 / shares.length
  return Math.min(1, Math.max(0, (Math.max(...shares) - chance) / (1 - chance)))
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The logarithm of what the powers of these come to together. */
export function logSum(logs: readonly number[]): number {
  const highest = Math.max(...logs)
  return highest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - highest), 0))
}
