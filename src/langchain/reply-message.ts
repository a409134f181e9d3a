import { AIMessageChunk, type AIMessageChunkFields } from '@langchain/core/messages'
import type { InvalidToolCall, ToolCall, ToolCallChunk } from '@langchain/core/messages/tool'
import { ChatGenerationChunk } from '@langchain/core/outputs'
import type {
  ReplyPart,
  ReplyResult,
  RequestNote,
  TokenLogprob,
  TokenLogprobs,
  ToolCallDelta,
} from '../api/types.js'

/**
 * A reply or a piece of it. LangChain makes calls of the pieces, and closes the arguments of one
 * that was cut. Once the end is known this makes it an invalid call, which no agent runs.
 * What LangChain joins to such a message is one as well.
 */
class ReplyMessage extends AIMessageChunk {
  constructor(fields: AIMessageChunkFields) {
    super(fields)
    const { response_metadata: told, tool_call_chunks: pieces = [] } = this
    if (told?.finish_reason === undefined || pieces.length === 0) return
    const calls = callsOf(pieces)
    Object.assign(this, calls)
    Object.assign(this.lc_kwargs, calls) // what is kept and sent of a message
  }

  /**
   * What it is read back as: LangChain knows no class of ours, and would make calls of the pieces
   * again.
   */
  override get lc_id(): string[] {
    const isEnded = this.response_metadata?.finish_reason !== undefined
    return [...this.lc_namespace, isEnded ? 'AIMessage' : 'AIMessageChunk']
  }
}

export function chunkOf(part: ReplyPart): ChatGenerationChunk {
  const { text, reasoning, toolCalls = [] } = part
  const logprobs = logprobsOf(part)
  const message = new ReplyMessage({
    content: text,
    tool_call_chunks: toolCalls.map(callChunk),
    ...reasoningOf(reasoning),
    ...(logprobs.length === 0 ? {} : { response_metadata: { logprobs: { content: logprobs } } }),
  } as AIMessageChunkFields)
  return new ChatGenerationChunk({ text, message })
}

/** What is known at a stream's end alone. */
export function endChunkOf(
  result: ReplyResult,
  notes: readonly RequestNote[],
): ChatGenerationChunk {
  const message = new ReplyMessage({ content: '', ...endOf(result, notes) })
  return new ChatGenerationChunk({ text: '', message })
}

/** All of a reply. */
export function messageOfReply(
  result: ReplyResult,
  notes: readonly RequestNote[],
  logprobs: readonly LogprobEntry[],
): AIMessageChunk {
  const { text, toolCalls = [], reasoning } = result
  const { response_metadata, ...counted } = endOf(result, notes)
  return new ReplyMessage({
    content: text,
    tool_call_chunks: toolCalls.map((call, index) => callChunk({ ...call, index })),
    ...reasoningOf(reasoning),
    ...counted,
    response_metadata: {
      ...response_metadata,
      ...(logprobs.length === 0 ? {} : { logprobs: { content: logprobs } }),
    },
  } as AIMessageChunkFields)
}

/** Counted from 1: the text is LangChain's block 0, and `streamEvents` puts both where they say. */
function callChunk({ index, id, name, arguments: args }: ToolCallDelta) {
  const told = { ...(id === undefined ? {} : { id }), ...(name === undefined ? {} : { name }) }
  return { type: 'tool_call_chunk' as const, index: index + 1, args, ...told }
}

/** Of whole arguments only. */
function callsOf(pieces: readonly ToolCallChunk[]) {
  const calls: { tool_calls: ToolCall[]; invalid_tool_calls: InvalidToolCall[] } = {
    tool_calls: [],
    invalid_tool_calls: [],
  }
  for (const { id, name = '', args: written = '' } of pieces) {
    const told = { name, ...(id === undefined ? {} : { id }) }
    const args = argumentsOf(written)
    if (args !== undefined) calls.tool_calls.push({ ...told, args, type: 'tool_call' })
    else {
      const error = 'the reply ended before these arguments did: they are no whole JSON object'
      calls.invalid_tool_calls.push({ ...told, args: written, error, type: 'invalid_tool_call' })
    }
  }
  return calls
}

function argumentsOf(written: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(written)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** Where other models of LangChain have it. */
function reasoningOf(reasoning: string | undefined) {
  return reasoning === undefined ? {} : { additional_kwargs: { reasoning_content: reasoning } }
}

/** A token, as LangChain's model of OpenAI tells it. */
export interface LogprobEntry {
  readonly token: string
  readonly bytes: readonly number[]
  readonly logprob: number
  readonly top_logprobs: readonly Omit<LogprobEntry, 'top_logprobs'>[]
}

/**
 * Without the tokens' ids: LangChain takes entries of a list that have the same id for one, and
 * would join them.
 */
export function logprobsOf({ logprobs = [] }: ReplyPart): LogprobEntry[] {
  return logprobs.map((entry: TokenLogprobs) => {
    return { ...plain(entry), top_logprobs: entry.top.map(plain) }
  })
}

function plain({ token, bytes, logprob }: TokenLogprob) {
  return { token, bytes: Array.from(bytes), logprob }
}

type MessageEnd = Pick<AIMessageChunkFields, 'usage_metadata' | 'response_metadata'>

function endOf(result: ReplyResult, notes: readonly RequestNote[]): MessageEnd {
  const { usage, finishReason, seed, limit, stopString, dropped } = result
  const { promptTokens, cachedTokens, completionTokens, reasoningTokens } = usage
  const usage_metadata = {
    input_tokens: promptTokens,
    output_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    input_token_details: { cache_read: cachedTokens },
    ...(reasoningTokens === undefined
      ? {}
      : { output_token_details: { reasoning: reasoningTokens } }),
  }
  const response_metadata = {
    finish_reason: finishReason,
    seed,
    ...(limit === undefined ? {} : { limit }),
    ...(stopString === undefined ? {} : { stop_string: stopString }),
    ...(dropped === undefined ? {} : { dropped }),
    ...(notes.length === 0 ? {} : { notes }),
  }
  // The declarations have no type for it, as those of a message's content know nothing of usage.
  return { usage_metadata: usage_metadata as never, response_metadata }
}
