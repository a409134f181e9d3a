/**
 * What POST /v1/systemone sends, as the AI SDK's provider for TypeSafe reads it
 * (@ai-sdk/typesafe-ai 3.0.0), which declares it in a schema of zod and exports no type. Others
 * of its clients read `legend` beside.
 */
export interface SystemOneBody {
  model: string
  answers: Record<string, NoulAnswer | ChoiceAnswer | ScoreAnswer>
  usage: { input_tokens: number; output_tokens: number }
}

interface NoulAnswer {
  type: 'noul'
  noul: number
}

interface ChoiceAnswer {
  type: 'choice'
  choice: string
  probabilities: Record<string, number>
  confidence: number
}

interface ScoreAnswer {
  type: 'score'
  score: number
  probabilities: Record<string, number>
  confidence: number
  legend: Record<string, string>
}

export interface SystemOneError {
  detail: string
}
