import type { SchemaIssue } from './standard-schema.js'
import type { FinishReason, ReplyLimit } from './types.js'

/**
 * Every error that Sluice reports is a SluiceError with a stable `code`. Match the code or the
 * class, never the message: messages say what was expected, what came and what to do.
 */
export type ErrorCode =
  | 'ERR_BINARY_MISSING'
  | 'ERR_MODEL_NOT_FOUND'
  | 'ERR_MODEL_INVALID'
  | 'ERR_PULL_FAILED'
  | 'ERR_OUT_OF_MEMORY'
  | 'ERR_GPU_UNAVAILABLE'
  | 'ERR_WORKER_UNAVAILABLE'
  | 'ERR_CONTEXT_LENGTH'
  | 'ERR_INVALID_REQUEST'
  | 'ERR_INVALID_OPTION'
  | 'ERR_INVALID_GRAMMAR'
  | 'ERR_INVALID_SCHEMA'
  | 'ERR_INVALID_REPLY'
  | 'ERR_OVERLOADED'
  | 'ERR_QUEUE_TIMEOUT'
  | 'ERR_CANCELLED'
  | 'ERR_CLOSED'
  | 'ERR_ENGINE_FAILED'
  | 'ERR_ENGINE_ENDED'
  | 'ERR_ENGINE_CRASHED'
  | 'ERR_TOOL_FAILED'
  | 'ERR_MAX_ROUNDS'

export class SluiceError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** No usable native binary: not built yet, or built for another platform. */
export class BinaryMissingError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_BINARY_MISSING', message, options)
  }
}

/** The model file does not exist or cannot be read. */
export class ModelNotFoundError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_MODEL_NOT_FOUND', message, options)
  }
}

/** The file is not a GGUF model that this build of llama.cpp can load, or it is cut short. */
export class ModelInvalidError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_MODEL_INVALID', message, options)
  }
}

/**
 * Why a model was not pulled from the Hub:
 *
 * - `unauthorized`: the token was refused, or has no right to the repository
 * - `gated`: the repository's terms were not accepted yet
 * - `repo-not-found`: there is no such repository, or it is private
 * - `revision-not-found`: it has no such branch, tag or commit
 * - `file-not-found`, `quant-not-found`: it has no such GGUF file; `available` has those it has
 * - `ambiguous`: several of its files are meant; `available` has them
 * - `checksum`: what came is not what the Hub lists; it was deleted
 * - `disk-full`: the cache's disk has no room for it
 * - `offline`: HF_HUB_OFFLINE is set, and the cache does not have it
 * - `not-cached`: the cache does not have it, and nothing was to be downloaded
 * - `rate-limited`: the Hub had too many requests from here, for longer than a pull waits
 * - `unreachable`: the Hub cannot be reached, or failed each time
 * - `bad-answer`: the Hub's answer is not what its protocol says
 * - `cache`: the cache's folder cannot be read, written or locked
 */
export type PullErrorReason =
  | 'unauthorized'
  | 'gated'
  | 'repo-not-found'
  | 'revision-not-found'
  | 'file-not-found'
  | 'quant-not-found'
  | 'ambiguous'
  | 'checksum'
  | 'disk-full'
  | 'offline'
  | 'not-cached'
  | 'rate-limited'
  | 'unreachable'
  | 'bad-answer'
  | 'cache'

/** A model could not be pulled, or is not in the cache. */
export class PullError extends SluiceError {
  readonly reason: PullErrorReason
  /** What could be asked for instead: quants, or paths of files. Empty where that is not known. */
  readonly available: readonly string[]

  constructor(
    reason: PullErrorReason,
    message: string,
    options: ErrorOptions & { readonly available?: readonly string[] } = {},
  ) {
    super('ERR_PULL_FAILED', message, 'cause' in options ? { cause: options.cause } : {})
    this.reason = reason
    this.available = options.available ?? []
  }
}

/** Weights or KV cache do not fit in memory. */
export class OutOfMemoryError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_OUT_OF_MEMORY', message, options)
  }
}

/** The backend or the device that `gpu`, `mainGpu` or `tensorSplit` names is not there. */
export class GpuUnavailableError extends SluiceError {
  constructor(message: string) {
    super('ERR_GPU_UNAVAILABLE', message)
  }
}

/**
 * A worker of `rpc` cannot be reached, serves another program, or speaks another version. The
 * `cause` of an engine's end where one did not come back.
 */
export class WorkerUnavailableError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_WORKER_UNAVAILABLE', message, options)
  }
}

/** The prompt cannot fit the context, with both numbers. */
export class ContextLengthError extends SluiceError {
  /** Tokens of the prompt, template included. */
  readonly promptTokens: number
  /** Tokens that one sequence can hold, prompt and reply together. */
  readonly contextTokens: number
  /** Of `embed()`: which of several inputs it is, from 0. */
  readonly input: number | undefined
  /** Of `decide()`: `state`, or the question that is too long with it, such as `questions[2]`. */
  readonly option: string | undefined

  constructor(
    message: string,
    promptTokens: number,
    contextTokens: number,
    input?: number,
    option?: string,
  ) {
    super('ERR_CONTEXT_LENGTH', message)
    this.promptTokens = promptTokens
    this.contextTokens = contextTokens
    this.input = input
    this.option = option
  }
}

interface InvalidRequestDetails {
  readonly input?: number | undefined
  readonly option?: string | undefined
}

/** The request cannot be run as it stands, for example a message the chat template refuses. */
export class InvalidRequestError extends SluiceError {
  /** Of `embed()`: which of several inputs it is, from 0. */
  readonly input: number | undefined
  /** The option at fault, for example `logitBias`; undefined where it is the prompt. */
  readonly option: string | undefined

  constructor(message: string, options?: ErrorOptions & InvalidRequestDetails) {
    super('ERR_INVALID_REQUEST', message, options)
    this.input = options?.input
    this.option = options?.option
  }
}

/** An option has the wrong type, is out of range, or there is none of its name. */
export class InvalidOptionError extends SluiceError {
  /** The option's path, for example `temperature` or `messages[0].role`. */
  readonly option: string

  constructor(option: string, message: string, options?: ErrorOptions) {
    super('ERR_INVALID_OPTION', message, options)
    this.option = option
  }
}

/**
 * The grammar is no GBNF, or more than a grammar may be; or, in the middle of a reply, no token of
 * the vocabulary goes on as it wants, or following it is too much work.
 */
export class InvalidGrammarError extends SluiceError {
  /** The option's path: `grammar`. */
  readonly path: string

  constructor(message: string, path = 'grammar') {
    super('ERR_INVALID_GRAMMAR', message)
    this.path = path
  }
}

/** The schema is no JSON Schema, or asks for what cannot be kept to while text is generated. */
export class InvalidSchemaError extends SluiceError {
  /** Where in the schema, for example `schema.properties.age.multipleOf`. */
  readonly path: string

  constructor(message: string, path = 'schema', options?: ErrorOptions) {
    super('ERR_INVALID_SCHEMA', message, options)
    this.path = path
  }
}

interface InvalidReplyDetails {
  readonly text: string
  readonly finishReason: FinishReason
  readonly limit?: ReplyLimit | undefined
  readonly issues?: readonly SchemaIssue[] | undefined
}

/**
 * `Reply.object()` has no object: the reply was cut (`finishReason` is `length` or `cancelled`), it
 * called tools instead, it is no JSON, or its schema refuses it (`issues`).
 */
export class InvalidReplyError extends SluiceError {
  /** All of the reply's text. */
  readonly text: string
  readonly finishReason: FinishReason
  /** As in ChoiceResult. */
  readonly limit: ReplyLimit | undefined
  /** What the schema's own validation found wrong; undefined where it did not come to that. */
  readonly issues: readonly SchemaIssue[] | undefined

  constructor(message: string, details: InvalidReplyDetails & ErrorOptions) {
    super('ERR_INVALID_REPLY', message, 'cause' in details ? { cause: details.cause } : {})
    this.text = details.text
    this.finishReason = details.finishReason
    this.limit = details.limit
    this.issues = details.issues
  }
}

/** The queue is full; refused before any work was done. Try again later. */
export class OverloadedError extends SluiceError {
  constructor(message: string) {
    super('ERR_OVERLOADED', message)
  }
}

/** The request had no slot, or the text no answer, within `queueDeadlineMs` of its submission. */
export class QueueTimeoutError extends SluiceError {
  constructor(message: string) {
    super('ERR_QUEUE_TIMEOUT', message)
  }
}

/** An AbortSignal fired (`cause` is its reason), or cancel() came before acceptance. */
export class CancelledError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_CANCELLED', message, options)
  }
}

/** The engine is closed, or was closed while the request ran. */
export class ClosedError extends SluiceError {
  constructor(message: string) {
    super('ERR_CLOSED', message)
  }
}

/** llama.cpp failed to decode; the requests of that batch are lost, the engine goes on. */
export class EngineFailedError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_ENGINE_FAILED', message, options)
  }
}

/**
 * The engine ended by itself: close() was not called, but something happened after which it cannot
 * go on, such as memory that ran out. All of its requests are lost. `cause` is a SluiceError that
 * says what it was: ERR_OUT_OF_MEMORY or ERR_ENGINE_FAILED mostly. load() another one.
 */
export class EngineEndedError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_ENGINE_ENDED', message, options)
  }
}

/**
 * The process of the engine died while this was under way (`isolation: 'process'`): by a signal, an
 * assertion, for want of memory, or because it stood still. Another one is started, and the engine
 * goes on. Ask again, unless the message says that this may be the cause. A `load` rejects with it
 * where the process died while the model was loaded.
 */
export class EngineCrashedError extends SluiceError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_ENGINE_CRASHED', message, options)
  }
}

/**
 * Why a call of a tool has no result:
 *
 * - `unknown-tool`: no tool has that name
 * - `invalid-arguments`: they are no JSON object, or the tool's schema refuses them
 * - `failed`: the tool threw, which is `cause`, or its MCP server says that it failed
 * - `timeout`: it took longer than `timeoutMs`
 * - `invalid-result`: what it returned is neither text nor JSON
 * - `cancelled`: the run ended before it was done
 */
type ToolErrorReason =
  | 'unknown-tool'
  | 'invalid-arguments'
  | 'failed'
  | 'timeout'
  | 'invalid-result'
  | 'cancelled'

/** A call of a tool failed. It ends no run: the model is told, and goes on. */
export class ToolError extends SluiceError {
  readonly reason: ToolErrorReason

  constructor(reason: ToolErrorReason, message: string, options?: ErrorOptions) {
    super('ERR_TOOL_FAILED', message, options)
    this.reason = reason
  }
}

/** A run of tools has had `maxRounds` replies, and the last one called tools: it has no answer. */
export class MaxRoundsError extends SluiceError {
  constructor(message: string) {
    super('ERR_MAX_ROUNDS', message)
  }
}
