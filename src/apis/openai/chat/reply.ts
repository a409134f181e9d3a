import type { ChoiceResult, ReplyPart, ReplyResult, TokenLogprobs } from '../../../api/types.js'
import type { Heading } from '../envelope.js'
import { completionUsage, finishReasonOf } from '../usage.js'
import { choiceLogprobs } from './logprobs.js'
import { wireToolCall } from './tools.js'

/** What the result of a reply that is not streamed does not say: its parts' logprobs. */
export class CompletionParts {
  /** Of each choice; undefined where they were not asked for. */
  readonly #logprobs: readonly TokenLogprobs[][] | undefined

  readonly #heading: Heading

  constructor(heading: Heading, options: { choices: number; logprobs: boolean }) {
    this.#heading = heading
    if (options.logprobs) this.#logprobs = Array.from({ length: options.choices }, () => [])
  }

  add({ choice, logprobs = [] }: ReplyPart): void {
    this.#logprobs?.[choice]?.push(...logprobs)
  }

  /** The body, once the reply has ended. */
  body([{ choices, usage }]: readonly [ReplyResult]) {
    const heading = this.#heading
    return {
      id: heading.id,
      object: 'chat.completion',
      created: heading.created,
      model: heading.model,
      system_fingerprint: heading.fingerprint,
      choices: choices.map((choice, index) => {
        const logprobs = this.#logprobs?.[index]
        return {
          index,
          message: message(choice),
          logprobs: logprobs === undefined ? null : choiceLogprobs(logprobs),
          finish_reason: finishReasonOf(choice.finishReason),
        }
      }),
      usage: completionUsage(usage),
    }
  }
}

/** Who calls tools and says nothing has null for content. */
function message({ text, reasoning, toolCalls = [] }: ChoiceResult) {
  return {
    role: 'assistant',
    content: text === '' && toolCalls.length > 0 ? null : text,
    refusal: null,
    ...(reasoning === undefined ? {} : { reasoning_content: reasoning }),
    ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map(wireToolCall) }),
  }
}
