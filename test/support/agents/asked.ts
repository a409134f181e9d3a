import type { Recorded } from '../recorder.js'

/** What of an exchange the tests of agents look at. */
export interface Asked {
  status: number
  request: ChatBody
  finishReason: string | undefined
  promptTokens: number
  cachedTokens: number
  /** Text of the first call's arguments. */
  callArguments: string
  /** Of a refusal. */
  message: string | undefined
}

export interface ChatBody extends Record<string, unknown> {
  messages: { role: string; content?: unknown; tool_calls?: unknown[] }[]
  tools?: unknown[]
}

interface AnswerBody {
  choices?: {
    finish_reason?: string | null
    delta?: Said
    message?: Said
  }[]
  usage?: { prompt_tokens: number; prompt_tokens_details?: { cached_tokens: number } } | null
  error?: { message: string }
  /** Of an event of Anthropic's. */
  delta?: { text?: string }
}

interface Said {
  content?: string | null
  tool_calls?: { index?: number; function?: { arguments?: string } }[]
}

/** The chats among the exchanges. */
export function askedOf(exchanges: readonly Recorded[]): Asked[] {
  return exchanges
    .filter(({ method, url }) => method === 'POST' && url.endsWith('/chat/completions'))
    .map(({ status, request, answer }) => {
      const bodies = bodiesOf(answer)
      const choices = bodies.flatMap((body) => body.choices ?? [])
      const usage = bodies.findLast((body) => body.usage)?.usage
      const calls = choices.flatMap(({ delta, message }) => (delta ?? message)?.tool_calls ?? [])
      return {
        status,
        request: JSON.parse(request) as ChatBody,
        finishReason: choices.findLast(({ finish_reason: why }) => why)?.finish_reason ?? undefined,
        promptTokens: usage?.prompt_tokens ?? 0,
        cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? 0,
        callArguments: calls
          .filter(({ index = 0 }) => index === 0)
          .map((call) => call.function?.arguments ?? '')
          .join(''),
        message: bodies.find((body) => body.error)?.error?.message,
      }
    })
}

/** The text of a reply, streamed or not; of Anthropic's, streamed. */
export function repliedText(answer: string): string {
  const texts = bodiesOf(answer).flatMap(({ choices = [], delta }) => [
    delta?.text ?? '',
    ...choices.map((choice) => (choice.delta ?? choice.message)?.content ?? ''),
  ])
  return texts.join('')
}

function bodiesOf(answer: string): AnswerBody[] {
  const bodies = answer.startsWith('{') ? [answer] : answer.split('\n\n')
  return bodies
    .map((frame) => frame.replace(/^(?:event: \w+\n)?data: /, ''))
    .filter((json) => json.startsWith('{'))
    .map((json) => JSON.parse(json) as AnswerBody)
}
