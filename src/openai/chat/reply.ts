import type { ChoiceResult, ReplyPart, ReplyResult, TokenLogprobs } from '../../api/types.js'
import type { Heading } from '../heading.js'
import { completionUsage, finishReasonOf } from '../usage.js'
import { choiceLogprobs } from './logprobs.js'
import { wireToolCall } from './tools.js'

/** The parts of a reply that is not streamed, put together choice by choice. */
export class CompletionParts {
  readonly #texts: string[]
  /** Of each choice; undefined where they were not asked for. */
  readonly #logprobs: readonly TokenLogprobs[][] | undefined

  readonly #heading: Heading

  constructor(heading: Heading, options: { choices: number; logprobs: boolean }) {
    this.#heading = heading
    this.#texts = Array<string>(options.choices).fill('')
    this.#logprobs = options.logprobs ? this.#texts.map(() => []) : undefined
  }

  add({ choice, text, logprobs = [] }: ReplyPart): void {
    this.#texts[choice] += text
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
          message: message(this.#texts[index] ?? '', choice),
          logprobs: logprobs === undefined ? null : choiceLogprobs(logprobs),
          finish_reason: finishReasonOf(choice.finishReason),
        }
      }),
      usage: completionUsage(usage),
    }
  }
}

/** Who calls tools and says nothing has null for content. */
function message(text: string, { reasoning, toolCalls = [] }: ChoiceResult) {
  return {
    role: 'assistant',
    content: text === '' && toolCalls.length > 0 ? null : text,
    refusal: null,
    ...(reasoning === undefined ? {} : { reasoning_content: reasoning }),
    ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map(wireToolCall) }),
  }
}
