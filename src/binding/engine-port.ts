import type { LoadWarningCode } from '../api/placement-types.js'
import type { SamplingNumbers } from '../api/sampling-options.js'
import type { EngineStats } from '../api/types.js'

/**
 * The interface of an engine: commands go one way, events the other, and what comes of a command is
 * an event, never a value that is returned. Commands, events, options and snapshots are plain data,
 * which `structuredClone` keeps as it is, so whether the engine is in this process or in another is
 * for the port to know. The addon's Engine is one (native/addon/engine-wrap.h), made with its
 * options and a function that it calls when there is something to drain.
 */
export interface EnginePort {
  /**
   * What comes of a command is an event, also where memory for it runs out. Throws only where there
   * is none for the event either; then it has no effect, though events of its ids may still come.
   */
  post(command: EngineCommand): void
  /**
   * A reply's reader took this many tokens. A call of its own, as `cancel` is: to read an object
   * would cost the addon several times what either does.
   */
  credit(id: number, tokens: number): void
  /** The request is not wanted any more. Its event may still say that it came to another end. */
  cancel(id: number): void
  /**
   * Everything that happened since the last call, in order; what came of one reply is merged as far
   * as it is of one kind.
   */
  drain(): EngineEvent[]
  /**
   * The engine's numbers, as recent as the port knows them: no older than the events that it gave.
   * Also after the end.
   */
  snapshot(): EngineSnapshot
  /** Whether pending work keeps the event loop alive. Unreferenced at creation. */
  ref(): void
  unref(): void
  /**
   * Ends the engine at once, without events. The addon waits for its threads: a few ms on a
   * CPU, but for a prompt that is being tokenized (up to 2 s per MiB). For process exit, and after
   * `closed`, when nothing is left to wait for. Twice is safe.
   */
  end(): void
}

/** Ids are the client's: whole numbers from 1 on, each used once, each request's above the last. */
export type EngineCommand =
  /** Each of its choices is answered by `accepted`, texts or parts, and `finished` or `error`. */
  | ({ kind: 'generate' } & NativeRequest)
  /** Answered by `accepted`, and one of `embedded`, `error` or, once cancelled, `finished`. */
  | ({ kind: 'embed' } & NativeEmbeddingRequest)
  /** Answered by `tokens`, or `error`. */
  | { kind: 'tokenize'; id: number; text: string; addSpecial: boolean; parseSpecial: boolean }
  /** Answered by `text-made`, or `error`. */
  | { kind: 'detokenize'; id: number; tokens: Int32Array }
  /** Answered by `pieces`, or `error`. */
  | { kind: 'pieces'; id: number; tokens: Int32Array }
  /** Answered by `text-made`, or `error`. */
  | { kind: 'apply-template'; id: number; chat: NativeChat }
  /**
   * Of the prompt that this gives. Answered by `tokens`, or `error`: with `mustFit` it is
   * ERR_CONTEXT_LENGTH where its size alone says so, before it is tokenized.
   */
  | { kind: 'tokenize-chat'; id: number; chat: NativeChat; mustFit: boolean }
  /** The engine ends what it does and frees its memory; `closed` is its last event. */
  | { kind: 'close' }

/** Every field is already checked and complete: defaults are settled before it is posted. */
export interface NativeRequest extends SamplingNumbers {
  id: number
  /**
   * So many replies to one prompt: requests that differ in id and seed only, which are those here
   * and the next ones. 1 or more.
   */
  choices: number
  /** Text as it stands, a conversation, token ids, or a gap to fill. */
  prompt: NativePrompt
  /** -1 generates until the context is full. */
  maxTokens: number
  stop: string[]
  /** Tokens that end the reply, as the model's own end does. */
  stopTokens: number[]
  ignoreEos: boolean
  /** Names of samplers in their order; none is the usual order. */
  samplers: string[]
  /** Texts at which a sequence ends for DRY. */
  drySequenceBreakers: string[]
  /** 0 to 2^32 - 2. */
  seed: number
  /** Alternatives of each token that are told with how likely it was; -1 tells neither. */
  logprobs: number
  /** The same of the prompt's tokens. */
  promptLogprobs: number
  /** Token ids and their biases, flattened: [token, bias, token, bias, ...]. */
  logitBias: number[]
  /** GBNF that the reply must follow; '' is none. */
  grammar: string
  /** Made here, from a schema: it may be larger, and its faults are the schema's. */
  grammarIsSchema: boolean
  /**
   * Where there are some, nothing is generated: the end tells how likely each of them is after the
   * prompt.
   */
  labelTokens: number[]
  /** States are shared between requests of the same salt only; '' is the salt of those without. */
  cacheSalt: string
  /** Who asks: owners take turns; '' is the owner of those who say none. */
  owner: string
  /** The adapters that it is computed with, flattened: [place, scale, place, scale, ...]. */
  adapters: number[]
}

export type NativePrompt = string | NativeChat | Int32Array | NativeInfill

/** What belongs between two texts. */
interface NativeInfill {
  before: string
  after: string
}

export interface NativeEmbeddingRequest {
  id: number
  /** As of a NativeRequest. */
  owner: string
  /**
   * Texts, to which the model's special tokens are added, or token ids, to which nothing is; of an
   * engine that ranks, pairs of texts.
   */
  inputs: (string | Int32Array | { query: string; document: string })[]
}

/** A conversation for the chat template, and what its reply may be. */
export interface NativeChat {
  messages: NativeMessage[]
  tools: readonly NativeTool[]
  toolChoice: 'auto' | 'none' | 'required'
  parallelToolCalls: boolean
  wantsReasoning: boolean
  /** '' leaves it to the template. */
  reasoningEffort: string
  /** What the template is told beside, by the names of its variables; values are JSON. */
  arguments: { name: string; value: string }[]
  /** Tokens of reasoning; -1 is no limit. Of use where `reasoningEnds` has some. */
  reasoningBudget: number
  /** Written before the end of reasoning that has used up its budget; '' is nothing. */
  reasoningBudgetMessage: string
  /** The reply goes on with the last message. */
  continues: boolean
}

/** Empty strings and arrays stand for what is not there. */
interface NativeMessage {
  role: string
  content: string
  reasoning: string
  name: string
  toolCallId: string
  toolCalls: { id: string; name: string; arguments: string }[]
}

interface NativeTool {
  /** Where it stands in the request, for errors. */
  place: string
  name: string
  description: string
  /** A JSON schema, as text. */
  parameters: string
  /** Whether the reply may call it. */
  isCallable: boolean
  /** GBNF of what its calls must be; '' where nothing is known. */
  rules: string
  /** The rule of all arguments; '' is none. */
  root: string
  /** Where the template writes each argument by itself: all of them, in their order. */
  properties: readonly NativeToolProperty[]
}

interface NativeToolProperty {
  name: string
  isRequired: boolean
  /** A JSON schema, as text: what kind of value llama.cpp's parser looks for. */
  kind: string
  /** The rule of a value written as JSON, and that of one written as bare text; '' is any. */
  json: string
  text: string
}

/** As CallFormat of src/schema/tool-grammar.ts. */
type NativeCallFormat = 'json' | 'tagged' | 'gemma' | 'other' | 'none'

export type EngineEvent =
  | { kind: 'progress'; fraction: number }
  | ({ kind: 'ready' } & NativeModelInfo)
  | ({ kind: 'estimated' } & NativeEstimate)
  | { kind: 'load-failed'; code: NativeErrorCode; message: string }
  /** The engine ends by itself, because of this: before the requests' ends that tell of it. */
  | { kind: 'ended'; code: NativeErrorCode; message: string }
  | { kind: 'closed' }
  /** Something went wrong that no request fails for. */
  | { kind: 'warning'; code: LoadWarningCode; message: string }
  | { kind: 'accepted'; id: number; promptTokens: number }
  | NativeTexts
  | NativePart
  | NativeFinished
  /** The vectors of a request's inputs, one after the other, each of length 1; or their scores. */
  | { kind: 'embedded'; id: number; values: Float32Array; promptTokens: number }
  | NativeFailed
  | { kind: 'tokens'; id: number; tokens: Int32Array }
  | { kind: 'text-made'; id: number; text: string }
  | { kind: 'pieces'; id: number; pieces: Uint8Array[] }
  /** A text job takes long: its answer comes, and others' come before it. */
  | { kind: 'deferred'; id: number }

/**
 * What an engine knows of itself. How many requests wait, and how they ended, its client counts
 * (EngineClient), by what it told of them.
 */
export type EngineSnapshot = Omit<
  EngineStats,
  'queued' | 'slots' | 'adaptersRunning' | 'adaptersWaiting' | RequestCount | keyof RestartStats
> &
  Partial<RestartStats> & { slots: NativeSlots }

/** SlotStats of each slot as six numbers, which src/engine/slots.ts reads. */
export type NativeSlots = Float64Array

/** Of an engine in a process of its own. */
export type RestartStats = Pick<
  EngineStats,
  'isRestarting' | 'restartsCrashed' | 'restartsStalled' | 'restartsFailed'
>

/** Counters of requests, since the load. */
export type RequestCount =
  | 'started'
  | 'finished'
  | 'cancelled'
  | 'failed'
  | 'cancelledQueued'
  | 'cancelledPrefill'
  | 'cancelledDecode'
  | 'cancelledParked'

/** Text of several replies, each of them once: three lists of one length. */
export interface NativeTexts {
  kind: 'texts'
  ids: number[]
  texts: string[]
  /** How many tokens made each text. */
  tokens: number[]
}

/**
 * A piece of a reply that may have more than text. It is of one kind: text, or `reasoning`, or
 * `toolCalls`. Neighbours of one kind that waited are merged. What there is nothing of is left out.
 */
export interface NativePart {
  kind: 'part'
  id: number
  text: string
  reasoning?: string
  toolCalls?: NativeToolCallDelta[]
  logprobs?: NativeTokenLogprobs[]
  /** Of the prompt's tokens, each once and in order; the first one's logprob is NaN. */
  promptLogprobs?: NativeTokenLogprobs[]
  /** What its reader is to take: tokens of the reply, and those of the prompt that are told of. */
  tokens: number
}

/** Id and name come once, whole, with a call's first delta. */
interface NativeToolCallDelta {
  index: number
  id?: string
  name?: string
  arguments: string
}

export interface NativeTokenLogprob {
  /** Of the token, which may be part of a character: each byte as the character of its number. */
  bytes: string
  /** Natural logarithm. */
  logprob: number
  /** Its number in the vocabulary. */
  id: number
  /** Of a control token, which writes no bytes. */
  name?: string
}

export interface NativeTokenLogprobs extends NativeTokenLogprob {
  top: NativeTokenLogprob[]
}

/** How far a request had come when it ended. */
export type RequestPhase = 'queued' | 'prefill' | 'decode' | 'parked'

/** The end of a reply; also of what else was cancelled. */
export interface NativeFinished extends NativeTally {
  kind: 'finished'
  id: number
  finishReason: 'stop' | 'length' | 'tool_calls' | 'cancelled'
  phase: RequestPhase
  /** Of the request's `labelTokens`, in their order: natural logarithms. */
  labelLogprobs?: Float32Array
}

export interface NativeFailed extends NativeErrorDetails {
  kind: 'error'
  id: number
  code: NativeErrorCode
  message: string
  phase: RequestPhase
}

export interface NativeErrorDetails {
  /** With ERR_CONTEXT_LENGTH: both numbers. */
  promptTokens?: number
  contextTokens?: number
  /** Of a request that embeds: which of its inputs is at fault, from 0. */
  input?: number
  /** With ERR_INVALID_REQUEST: the option at fault, where it is not the prompt. */
  option?: string
}

/** Codes of the native side and of ports; src/engine/native-errors.ts makes an error of each. */
export type NativeErrorCode =
  | 'ERR_MODEL_NOT_FOUND'
  | 'ERR_MODEL_INVALID'
  | 'ERR_OUT_OF_MEMORY'
  | 'ERR_GPU_UNAVAILABLE'
  | 'ERR_WORKER_UNAVAILABLE'
  | 'ERR_CONTEXT_LENGTH'
  | 'ERR_INVALID_REQUEST'
  | 'ERR_INVALID_GRAMMAR'
  | 'ERR_INVALID_SCHEMA'
  | 'ERR_QUEUE_TIMEOUT'
  | 'ERR_CANCELLED'
  | 'ERR_CLOSED'
  | 'ERR_ENGINE_FAILED'
  | 'ERR_ENGINE_ENDED'
  | 'ERR_ENGINE_CRASHED'

interface NativeTally {
  promptTokens: number
  /** Of promptTokens, taken from another sequence's state. */
  cachedTokens: number
  /** Tokens generated, the end-of-generation token not counted. */
  completionTokens: number
  /** Of completionTokens, those of reasoning; left out where it is not told from text. */
  reasoningTokens?: number
  /** Tokens that were drafted, and of them those that the sampler chose as well. */
  draftTokens: number
  draftAcceptedTokens: number
  /** The stop string that ended the reply, if one did. */
  stopString?: string
  /** Milliseconds: in the queue (with the Preparer), computing the prompt, generating. */
  queueMs: number
  prefillMs: number
  decodeMs: number
  /** Of decodeMs, waiting for the reader or for a slot to come back to. */
  parkedMs: number
}

export interface NativeModelInfo {
  /** general.name, or the empty string. */
  name: string
  /** llama.cpp's one-line description, for example "llama 1B Q8_0". */
  description: string
  parameters: number
  bytes: number
  trainedContext: number
  /** Tokens per sequence that were settled on. */
  context: number
  /** Compute threads that were settled on. */
  threads: number
  /** Of host memory, for kept states, that were settled on. */
  cacheBytes: number
  vocabulary: number
  hasChatTemplate: boolean
  /** How the template writes calls of tools. */
  callFormat: NativeCallFormat
  /** Whether its vocabulary has what fills a gap in a text. */
  canInfill: boolean
  /** What reasoning ends with, the usual end first; empty where the engine cannot end it. */
  reasoningEnds: string[]
  /** Of an engine that embeds: numbers of a vector, and how rows become one. */
  embedding?: { size: number; pooling: 'mean' | 'cls' | 'last' | 'rank' }
  /** Sampling defaults the GGUF recommends (general.sampling.*); absent ones are not named. */
  sampling: Partial<SamplingNumbers>
  placement: NativePlacement
  warnings: { code: LoadWarningCode; message: string }[]
}

/** Layers count the output as one. Devices are those that hold a part; the CPU is none. */
interface NativePlacement {
  layers: number
  gpuLayers: number
  devices: (NativeDevice & NativeMemoryUse)[]
  host: NativeMemoryUse
}

/** What a load would come to; no cache is settled on. */
export type NativeEstimate = Omit<NativeModelInfo, 'cacheBytes'> & {
  /** Of the system's memory, in bytes, less what other engines of this process may still take. */
  freeBytes: number
  /** Whether all of it fits into what is free, weights included. */
  fits: boolean
}

/** In bytes; 0 where a device does not say. */
export interface NativeDevice {
  name: string
  description: string
  backend: string
  kind: 'cpu' | 'gpu' | 'integrated' | 'accelerator'
  totalBytes: number
  freeBytes: number
  /** Why it cannot be used. */
  fault?: string
}

export interface NativeMemoryUse {
  weightsBytes: number
  kvBytes: number
  computeBytes: number
}

/** Of the compute threads; above 'normal' needs rights. */
type ThreadPriority = 'low' | 'normal' | 'medium' | 'high' | 'realtime'

/** What an engine is made with, complete. Plain data, as all that crosses. */
export interface NativeEngineOptions {
  model: string
  /** Loads nothing: an `estimated` event, or `load-failed`, and `closed`. */
  estimatesOnly: boolean
  parallel: number
  /**
   * Tokens per sequence; 0 is min(trained, 8192), or less: what fits a quarter of the memory that
   * the process's other engines leave of freeBytes.
   */
  context: number
  /** Bytes of memory that are free, as the system says: the process's engines share them. */
  freeBytes: number
  /** Of one KV cache that all sequences share; 0 gives each `context` of its own. */
  kvCells: number
  /** Host memory for the states of finished and preempted sequences; -1 chooses. */
  cacheBytes: number
  /** Folder for states on disk; the empty string is none. */
  cacheDir: string
  /** That the states there may take. */
  cacheDiskBytes: number
  kvType: 'f16' | 'bf16' | 'q8_0' | 'q4_0'
  flashAttention: 'auto' | 'on' | 'off'
  /** Compute threads; 0 lets the engine choose by coresMax and the model. */
  threads: number
  coresMax: number
  /** How long compute threads spin for more work before they sleep, 0 to 100. */
  poll: number
  priority: ThreadPriority
  /** A named backend that is not there fails the load; 'auto' takes what is. */
  gpu: 'auto' | 'off' | 'cuda' | 'vulkan' | 'metal'
  /** Layers to put on devices; -1 is as many as fit. */
  gpuLayers: number
  splitMode: 'auto' | 'none' | 'layer'
  /** The one device to use; -1 chooses. */
  mainGpu: number
  /** Shares of the devices; none is by their free memory. */
  tensorSplit: number[]
  /** Of other machines, which were asked before: "10.0.0.2:50052". */
  workers: string[]
  /** In the place of the model's own; the empty string is none. */
  chatTemplate: string
  /** Whether tools are told where the template does not. */
  toolsFallback: boolean
  /** Path of a draft model; the empty string is none. */
  draft: string
  /** Paths of LoRA adapters that requests may ask for by their places here. */
  adapters: string[]
  /** Drafts by looking up; not beside a draft model. */
  lookup: boolean
  /** Drafts by the model's MTP heads; beside neither of them. */
  mtp: boolean
  /** Tokens drafted for one step at most; 0 is as many as are fastest, by measure. */
  draftMax: number
  /** Whether the engine embeds instead of generating; 'automatic' where its file pools rows. */
  embeddings: 'automatic' | 'never' | 'always'
  /** Tokens that a reply may run ahead of its reader. */
  window: number
  queueDeadlineMs: number
}
