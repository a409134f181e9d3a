/** The shapes of a run of tools: see runTools in src/tools. */

import type { ToolError } from './errors.js'
import type { SchemaOutput, StandardSchema } from './standard-schema.js'
import type {
  ChatMessage,
  ChatOptions,
  FinishReason,
  ReplyPart,
  ReplyResult,
  RequestNote,
  Usage,
} from './types.js'

/** What `run` gets: as its parameters say where they tell their type, else any object. */
type ArgumentsOf<Parameters> = Parameters extends StandardSchema
  ? SchemaOutput<Parameters>
  : // biome-ignore lint/suspicious/noExplicitAny: a JSON Schema tells TypeScript nothing
    any

/** A function that the model may call, and that `runTools` calls for it. */
export interface RunnableTool<Parameters = unknown> {
  /** What it does, and when to call it: the model decides by this text. */
  readonly description?: string
  /**
   * Of its arguments, an object's: a JSON Schema, or a schema of zod or another library that tells
   * its JSON Schema, as a Tool has it. Default: any object.
   */
  readonly parameters?: Parameters
  /** As a Tool has it. Default false. */
  readonly strict?: boolean
  /** Milliseconds that a call may take, 1 to 2 ** 31 - 1. Default: the run's `timeoutMs`. */
  readonly timeoutMs?: number
  /**
   * Answers a call. What it returns, or its promise resolves with, is told to the model: a text as
   * it is, what MCP servers answer by its texts, chunks of text that come one by one as one text,
   * everything else as JSON. What it throws is told as well. A tool without `run` ends the run
   * once it is called: then the program answers the call, and begins another run.
   */
  run?(given: ArgumentsOf<Parameters>, context: ToolContext): unknown
}

/** What a tool may know of its call. */
export interface ToolContext {
  /** Aborted when the call has had its time, and when the run is aborted, cancelled or left. */
  readonly signal: AbortSignal
  readonly toolCallId: string
  /** The conversation so far, up to the message that calls. */
  readonly messages: readonly ChatMessage[]
  /** Milliseconds that the call may take; undefined without a limit. */
  readonly timeoutMs: number | undefined
}

/** Options of `runTools`: those of `chat`, of which each reply gets them, and how to go on. */
export interface ToolRunOptions<
  Tools extends Record<string, unknown> = Record<string, unknown>,
  Schema extends object = object,
> extends Omit<ChatOptions<Schema>, 'tools' | 'n'> {
  /** By their names. */
  readonly tools: { readonly [Name in keyof Tools]: RunnableTool<Tools[Name]> }
  /** Replies of the model, 1 to 10,000. Default 10. */
  readonly maxRounds?: number
  /** Milliseconds that one call may take, 1 to 2 ** 31 - 1. Default: no limit. */
  readonly timeoutMs?: number
  /**
   * Calls of one reply that run at once; 1 runs them one after the other, in their order. 1 to
   * 65,536, default: all.
   */
  readonly toolConcurrency?: number
}

/** A part of a reply, or what became of a call: then its text is empty. */
export interface ToolRunPart extends ReplyPart {
  /** Which reply it belongs to, from 0. */
  readonly round: number
  /** Comes as soon as the call is done; calls that run at once may change places. */
  readonly toolResult?: ToolResult
}

/** What became of a call. */
export interface ToolResult {
  readonly toolCallId: string
  readonly name: string
  /** What `run` got; undefined where the model's arguments could not be read. */
  readonly arguments: unknown
  /** What the model is told: the result, or what went wrong. */
  readonly content: string
  /** What `run` returned; undefined where it failed. */
  readonly value: unknown
  /** Why there is no value. Left out where all went well. */
  readonly error?: ToolError
  readonly durationMs: number
}

/** A reply, and what its calls came to, in the order of the calls. */
export interface ToolRound extends ReplyResult {
  readonly toolResults: readonly ToolResult[]
}

/** How a run of tools ended. */
export interface ToolRunResult {
  /**
   * Of the last reply. `tool_calls`: it calls a tool that has no `run`. `max_rounds`: it called
   * tools, which have answered, and `maxRounds` allows no further reply.
   */
  readonly finishReason: FinishReason | 'max_rounds'
  /** Of the last reply; empty where it only called tools. */
  readonly text: string
  /**
   * The conversation: the messages that were given (those in OpenAI's words turned into ours), and
   * all that was added. Another run may go on with it.
   */
  readonly messages: readonly ChatMessage[]
  readonly rounds: readonly ToolRound[]
  /** Of all rounds together. */
  readonly usage: Usage
  /** What of the tools was taken otherwise than they say. */
  readonly notes: readonly RequestNote[]
}
