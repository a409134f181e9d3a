/** What `chat` takes in OpenAI's words beside its own: what others made can be handed on. */

/** A message as OpenAI's chat completions have it, also one that a completion answered. */
export interface OpenAiMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool' | 'function'
  /** Text, or parts of text; a part of another type is refused. */
  readonly content?: string | readonly OpenAiPart[] | null
  /** Of a tool; of other roles it has no effect, which `Reply.notes` says. */
  readonly name?: string
  readonly tool_calls?: readonly OpenAiToolCall[] | null
  readonly tool_call_id?: string
  readonly function_call?: { readonly name: string; readonly arguments: string } | null
  readonly reasoning_content?: string | null
  /** Stands for the content where that is null. */
  readonly refusal?: string | null
}

export interface OpenAiPart {
  readonly type: string
  readonly text?: string | undefined
  readonly refusal?: string | undefined
}

export interface OpenAiToolCall {
  readonly id?: string
  readonly type?: string
  readonly function?: {
    readonly name: string
    readonly arguments?: string | Readonly<Record<string, unknown>>
  }
  readonly custom?: { readonly name: string; readonly input: string }
}

/** A function that the model may call, as OpenAI has it. */
export interface OpenAiTool {
  readonly type: 'function'
  readonly function: {
    readonly name: string
    readonly description?: string | null
    readonly parameters?: object | null
    readonly strict?: boolean | null
  }
}

export type OpenAiToolChoice =
  | { readonly type: 'function'; readonly function: { readonly name: string } }
  | {
      readonly type: 'allowed_tools'
      readonly allowed_tools: {
        readonly mode: 'auto' | 'required'
        readonly tools: readonly object[]
      }
    }
