/** The shapes of the TypeScript face. See load.ts, engine.ts and reply.ts of src/engine. */

import type { EmbeddingInfo } from './embedding-types.js'
import type { EngineCrash } from './isolation-types.js'
import type { AdapterSettings, AdaptersByName } from './lora-types.js'
import type { OpenAiTool, OpenAiToolChoice } from './openai-types.js'
import type { LoadWarning } from './placement-types.js'
import type { PullProgress } from './pull-types.js'
import type { SamplerStep, SamplingNumbers, SamplingOptions } from './sampling-options.js'
import type { StandardSchema } from './standard-schema.js'

export interface LoadOptions {
  /**
   * Path of a GGUF file, or a `file:` URL; or a model of the Hugging Face Hub, as
   * `hf:OWNER/REPO:QUANT`, which is taken from the Hub's cache and, where it is not there, pulled
   * as `pull` does. Default: `embeddedModel`, the small storyteller that comes with the package.
   */
  model?: string | URL
  /** Sequences that run at once; the rest queue. 1 to 256, default 4. */
  parallel?: number
  /**
   * Tokens per sequence, prompt and reply together. Default: min(trained, 8192), as far as the KV
   * cache of all sequences fits a quarter of free memory (what other engines of this process may
   * still take is not free); on a GPU down to 2,048 where all layers fit then.
   */
  context?: number
  /** Tokens a reply may run ahead of its reader before it is parked. 1 to 65,536, default 64. */
  window?: number
  /** Requests that may wait for a slot; one more is refused. 0 to 65,536, default 64. */
  queue?: number
  /**
   * Milliseconds from submission within which a request must have a slot; the time for template,
   * tokens, grammar and queue counts. Else it fails with ERR_QUEUE_TIMEOUT. It does not fail while
   * another request computes the beginning of its prompt, nor once another of its `n` choices has
   * had a slot.
   * With `fit`, each count of the conversation has this time anew, and so has the request once it
   * fits.
   * With `isolation`, so has what the next process has prepared after the death of one.
   * Texts (`tokenize`, `applyTemplate` and the like) must be ready within it. 1 to 2 ** 31 - 1,
   * default 60,000.
   */
  queueDeadlineMs?: number
  /**
   * Compute threads, 1 to 512: every batch takes exactly so many. Default: at most one per core
   * that the process may use, and for each size of batch all of them, all but one, half or one,
   * whichever is found to be fastest; one where a GPU holds the whole model.
   */
  threads?: number
  /**
   * How long compute threads spin for the next batch before they sleep, as ggml counts it: 0 is not
   * at all, 100 hundreds of milliseconds. Default 0, since the event loop needs the core.
   */
  poll?: number
  /**
   * Scheduling priority of the compute threads; above 'normal' needs the right to real-time
   * scheduling. Default 'normal'.
   */
  priority?: 'low' | 'normal' | 'medium' | 'high' | 'realtime'
  /**
   * What computes beside the CPU. 'auto' takes the best GPU that works and goes on with the CPU and
   * a warning where none does. A backend by its name fails with ERR_GPU_UNAVAILABLE where it is not
   * there. `false` is the CPU alone: no GPU is touched. Default 'auto'.
   */
  gpu?: 'auto' | 'cuda' | 'vulkan' | 'metal' | false
  /**
   * Layers to put on the GPU, the output counted as one; 0 is none, more than there are is all.
   * Default -1: as many as fit into its free memory.
   */
  gpuLayers?: number
  /**
   * How several GPUs share the model: 'none' is one GPU alone, 'layer' whole layers on each.
   * Default: one GPU where the model fits into it, else 'layer'.
   */
  splitMode?: 'none' | 'layer'
  /**
   * The one GPU to use, from 0 in the order in which `sluice doctor` lists those of the backend,
   * the broken ones too; not beside splitMode 'layer'. Default: the one with the most free memory.
   */
  mainGpu?: number
  /**
   * Shares of the GPUs, in the same order: [3, 1]. Up to 16; one of 0, or that is left out, leaves
   * its GPU alone. Default: by their free memory.
   */
  tensorSplit?: readonly number[]
  /**
   * Type of the KV cache's keys and values. 'q8_0' takes 53 % of the memory of 'f16' and 'q4_0'
   * 28 %, at some loss; both need flash attention, and heads of a multiple of 32. Default 'f16'.
   */
  kvType?: 'f16' | 'bf16' | 'q8_0' | 'q4_0'
  /** Default 'auto': where the model and what it is on have it. */
  flashAttention?: 'auto' | boolean
  /**
   * Cells of one KV cache that all sequences share, at least `context`. Default: none, each
   * sequence has `context` cells of its own, which is faster for independent conversations; with
   * fewer shared cells than parallel x context, sequences that run out of room are preempted and
   * come back.
   */
  kvCells?: number
  /**
   * MiB of host memory for the states of finished conversations and of replies that gave up their
   * slot; 0 keeps only what the slots themselves hold. 0 to 1,048,576. Default: an eighth of free
   * memory, at most 2,048; what other engines of this process may still take is not free. Where it
   * is more than all free memory, engines loaded later leave room for the default only. It bounds
   * all memory of the cache, what is about to be kept and what is to be used again included. On top
   * come, while a state is brought to another slot, one or two copies of it, of which up to 64 MiB
   * each are kept for the next time.
   */
  cacheMiB?: number
  /**
   * A folder for computed states of long prompts, 256 tokens and more: they are written behind, and
   * are read again after a restart or an unload, where that takes less time than computing. Several
   * processes may share it. Whoever can read it can tell the prompts, so it is made for its owner
   * alone. Default: none.
   */
  cacheDir?: string
  /**
   * GiB that all states in `cacheDir` may take together; those that were used longest ago are
   * removed. 0.001 to 1,048,576. Default 10. No effect without `cacheDir`.
   */
  cacheDiskGiB?: number
  /**
   * A small GGUF model, given as `model` is, of the same vocabulary that drafts for this one: a
   * reply that runs alone then often gets several tokens a step. The text stays what it would be
   * without: each token is still this model's own choice. It takes memory for its weights and for
   * one sequence.
   * Default: none. Worth it where a step of the model takes ten times as long as the draft's.
   */
  draft?: string | URL
  /**
   * LoRA adapters by their names: files, each with a scale if it is to be another than 1. None is
   * applied to a request that does not ask for it (`RequestOptions.lora`). They take memory for
   * their weights. Only for text: an engine that embeds or ranks has none.
   *
   * @example
   * ```js
   * const options = { lora: { pirate: 'pirate.gguf', calm: { file: 'calm.gguf', scale: 0.5 } } }
   * ```
   */
  lora?: AdaptersByName
  /**
   * Drafts without a model, by looking up what followed the last words earlier in the same text:
   * for replies that repeat their prompt, such as edits, extracts and code. Several replies are
   * drafted for at once. Not beside `draft`. Default false.
   */
  lookup?: boolean
  /**
   * Drafts with the model's own heads for multi-token prediction (MTP), where its file has them
   * and its architecture is one of GLM-4.5's, DeepSeek V2 and V3's, HY-V3's, or Qwen3.5's. Several
   * replies are drafted for at once. It takes memory for the heads' layer, their part of the KV
   * cache and their buffers, and they read each prompt. Not beside `draft` or `lookup`. Default
   * false.
   */
  mtp?: boolean
  /**
   * Tokens that are drafted for one step at most, 1 to 16; fewer where few are accepted. Default:
   * the engine measures what steps and drafts take, and drafts as many as are fastest: none where
   * the machine gains nothing by it. Of a model with states (Qwen3.5) as many are kept of each
   * conversation, by default 3. No effect without `draft`, `lookup` or `mtp`.
   */
  draftMax?: number
  /**
   * Whether the engine embeds (`embed()`) instead of generating text. Default: it does where the
   * file says how rows become one vector (its pooling type), which only models made for that do.
   * `false` has such a model generate, if it can; both at once take two engines, which share the
   * weights.
   *
   * Of an engine that embeds, `context` is the tokens of one input, never more than the model was
   * trained on; by default up to 8,192, as far as memory allows. `window`, `kvCells`, `cacheMiB`,
   * `cacheDir` and `sampling` have no effect.
   */
  embeddings?: boolean
  /**
   * A chat template in Jinja's language, instead of the model's own. Take it from the model's
   * owner, never from a client: templates are programs. At most 1 MiB. Default: the model's own.
   */
  chatTemplate?: string
  /**
   * Whether a model whose chat template knows no tools gets them all the same: they are described
   * in the system message, and its calls are read from JSON between `<tool_call>` and
   * `</tool_call>`. How well it calls them depends on what it has learned. No effect where the
   * template knows tools. Default false: such requests are refused.
   */
  toolsFallback?: boolean
  /** Tools of one request. 1 to 65,536, default 1,024. */
  toolsMax?: number
  /**
   * Bytes of a request's tools, names, descriptions and schemas together. 1 to 2 ** 26, default
   * 1 MiB.
   */
  toolBytesMax?: number
  /**
   * How much work the schemas of a request's tools may be together, in thousands of steps, of which
   * JavaScript's thread takes some 15 in a millisecond. Schemas that come after are any value,
   * which `Reply.notes` says. 1 to 2 ** 20, default 10,000.
   */
  toolWorkMax?: number
  /**
   * Machines that compute a part of the model, each with `sluice worker` (or llama.cpp's
   * rpc-server) running: `['10.0.0.2:50052']`, names or IPv4 addresses, 16 at most. The layers go
   * to their devices and to the GPUs here, by what is free, unless `tensorSplit` or `mainGpu` say
   * otherwise. For networks that you trust, and no other: there is no key, no encryption, and who
   * reaches a worker can run code there. It implies `isolation: 'process'`. Rejects with
   * ERR_WORKER_UNAVAILABLE. Default: none.
   */
  rpc?: readonly string[]
  /**
   * With `rpc`: how many milliseconds a worker that was lost may take to come back, before the
   * engine ends. 1 to 2 ** 31 - 1, default 60,000.
   */
  rpcWaitMs?: number
  /**
   * Where the engine computes. 'none' is in this process, which ends with it where llama.cpp
   * asserts or the system ends it. 'process' is in one of its own: where that dies, replies that
   * had begun fail with ERR_ENGINE_CRASHED, everything else goes on, and another process is
   * started, at most 3 times within 90 s. Then the engine ends, with ERR_ENGINE_ENDED. Default
   * 'none', with `rpc` 'process'.
   */
  isolation?: 'none' | 'process'
  /**
   * With `isolation`: how many milliseconds the engine may stand still while something is asked of
   * it, before its process is ended and another one started. 1 to 2 ** 31 - 1, default 30,000.
   */
  engineStallMs?: number
  /** Sampling defaults that a request overrides. */
  sampling?: SamplingOptions
  /** Defaults of a chat's `reasoning`; no effect with a model that does not reason. */
  reasoning?: ReasoningDefaults
  /**
   * Called with 0 to 1 while the weights load. What it throws becomes a process warning, once
   * (SLUICE_CALLBACK); `signal` is what abandons a load.
   */
  onProgress?: (fraction: number) => void
  /** Called while a model of the Hub is pulled: see PullProgress. What it throws is as above. */
  onPull?: (progress: PullProgress) => void
  /**
   * Called once for each warning, before `load` resolves; those of `cacheDir` come later. Default:
   * `process.emitWarning`, once for the same one; of a node:cluster the first worker alone does
   * that. Those of the load are in `engine.warnings` as well. What it throws is as with
   * `onProgress`.
   */
  onWarning?: (warning: LoadWarning) => void
  /**
   * With `isolation`: called each time the engine's process has died. Default: a process warning
   * with the code SLUICE_CRASH. What it throws is as with `onProgress`.
   */
  onCrash?: (crash: EngineCrash) => void
  /** Abandons the loading: `load` rejects with ERR_CANCELLED. */
  signal?: AbortSignal
}

/** Options of `estimate`: those of `load`, of which some change nothing. */
export type EstimateOptions = Omit<
  LoadOptions,
  'model' | 'onProgress' | 'onPull' | 'onWarning' | 'onCrash'
>

/** A turn of a conversation. */
export interface ChatMessage {
  /** The roles are the template's; `developer` is given to it as `system`. */
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool'
  /** May be left out of an assistant's and a tool's message. */
  readonly content?: string
  /** An assistant's reasoning before its content; templates that know it repeat the latest. */
  readonly reasoning?: string
  /** What an assistant called, as its reply's result had them, cut ones too. */
  readonly toolCalls?: readonly PastToolCall[]
  /** The call that a tool's message answers. Default: the first that waits for an answer. */
  readonly toolCallId?: string
  /** Of the tool that speaks, for templates that want it. */
  readonly name?: string
}

/** A call that a model made, whole. */
export interface ToolCall {
  readonly id: string
  readonly name: string
  /** JSON. */
  readonly arguments: string
}

/** A call in a conversation. */
export interface PastToolCall {
  /** Default: one that no other call has. */
  readonly id?: string
  readonly name: string
  /** What the model wrote, cut or not, or the object that it stands for. Default: none. */
  readonly arguments?: string | Readonly<Record<string, unknown>>
}

/** A function that the model may call. */
export interface Tool {
  /**
   * 1 to 1,024 characters. Where it has others than A-Z a-z 0-9 _ . / : @ + -, or more than 128,
   * the model is told another name; calls come by this one.
   */
  readonly name: string
  readonly description?: string
  /**
   * JSON schema of its arguments, an object's, brackets at most 64 deep. Default: any object. Calls
   * follow it, but for what no grammar keeps to. What is malformed in it is read as far as it can
   * be, and else allows any value: `Reply.notes` says where. Also an object of zod or another
   * library that tells its JSON Schema, as RequestOptions.schema.
   */
  readonly parameters?: Readonly<Record<string, unknown>> | StandardSchema
  /** Refuses a schema that is malformed, or that no grammar keeps to in full. Default false. */
  readonly strict?: boolean
}

/**
 * Whether it may call tools, must not, must, or must call this one; or may call only some of them,
 * though the prompt has them all (`mode` is auto by default), so that a prompt's beginning stays.
 */
export type ToolChoice =
  | 'auto'
  | 'none'
  | 'required'
  | { readonly name: string }
  | { readonly names: readonly string[]; readonly mode?: 'auto' | 'required' }

/** What of a request was taken otherwise than it says. */
export interface RequestNote {
  /** Where: `tools[3].parameters.required`. */
  readonly path: string
  /** What was expected there, what came, and what it was taken as. */
  readonly message: string
}

export interface ReasoningOptions {
  /**
   * False asks the template to turn reasoning off. Default: the engine's, else true, where the
   * model can reason.
   */
  readonly enabled?: boolean
  /**
   * How much to reason, in the template's words: 1 to 32 letters, often `low`, `medium` or `high`.
   * No effect where the template has no such setting. Default: the template's own.
   */
  readonly effort?: string
  /**
   * Tokens that the reply's reasoning may have: then its end is written for the model, which goes
   * on with the answer. 0 ends it as it begins, -1 is no limit. A character that the last token
   * began is finished first, and a few more tokens may come where what looked like the end of the
   * reasoning was not. Only for models that reason (`model.canThink`). Default: the engine's, else
   * -1.
   */
  readonly budget?: number
  /**
   * Text that is written before that end, for example `\nI have thought enough.\n`: part of the
   * reasoning, and not of the budget. At most 1,024 bytes, without the mark that ends reasoning.
   * Default: the engine's, else nothing.
   */
  readonly budgetMessage?: string
}

/** The reasoning options of requests that set none. */
export type ReasoningDefaults = Pick<ReasoningOptions, 'enabled' | 'budget' | 'budgetMessage'>

export interface RequestOptions<Schema extends object = object> extends SamplingOptions {
  /**
   * Tokens to generate at most; 0 computes the prompt and generates nothing, so that its state is
   * kept, or its logprobs are returned. Default: until the context is full.
   */
  maxTokens?: number
  /**
   * At most 16 strings of at most 256 UTF-8 bytes; empty ones are ignored. Generation ends before
   * the first that comes. None is looked for in a chat's reasoning and tool calls, or in a form
   * (`grammar`, `schema`, `json`, `regex`, `choices`), which it would cut.
   */
  stop?: string | string[]
  /** Up to 64 token ids that end the reply, as the model's own end does: they are no part of it. */
  stopTokens?: readonly number[]
  /** Token ids and what is added to their logits, -100 to 100. At most 1,024 entries. */
  logitBias?: Record<number, number>
  /**
   * Which samplers there are, and in what order: those that are left out are off. Penalties come
   * first wherever they stand, and the token is drawn last. Default, or empty: `penalties`, `dry`,
   * `top_n_sigma`, `top_k`, `typ_p`, `top_p`, `min_p`, `xtc`, `temperature`.
   */
  samplers?: readonly SamplerStep[]
  /**
   * Texts at which a sequence ends for DRY: up to 16 of at most 40 bytes. Default: a line break, a
   * colon, a quotation mark and an asterisk.
   */
  drySequenceBreakers?: readonly string[]
  /** Never end at an end-of-generation token. Default false. */
  ignoreEos?: boolean
  /**
   * A grammar in llama.cpp's GBNF that the reply follows from its first token to its last, at most
   * 64 KiB; its rule `root` is where a reply begins. Rejects with ERR_INVALID_GRAMMAR.
   *
   * In a chat the form is the reply's text: reasoning comes before it, and tools may be called
   * instead of it. Where the last message is the assistant's beginning of a form, the reply
   * continues that form.
   */
  grammar?: string
  /**
   * A JSON Schema (a plain object, at most 256 KiB; TypeBox makes such), a Standard Schema object
   * that tells its JSON Schema (zod 4, ArkType, Valibot by its `toStandardJsonSchema`), or a
   * `CompiledSchema`: a reply that ends with `stop` is JSON that validates. `Reply.object()` is its
   * value, of the schema's type. Throws InvalidSchemaError for what no grammar keeps to. Not beside
   * `grammar` or `json`.
   *
   * @example
   * ```js
   * import { load } from 'sluice'
   * import { z } from 'zod'
   *
   * const engine = await load()
   * const schema = z.object({ name: z.string(), age: z.number().int().min(0).max(120) })
   * const reply = engine.complete('A girl: ', { schema, maxTokens: 200 })
   * const { name, age } = await reply.object()
   * await engine.close()
   * ```
   */
  schema?: Schema
  /**
   * A reply that ends with `stop` is a JSON object, of whatever keys; `Reply.object()` is its
   * value. Default false.
   */
  json?: boolean
  /**
   * A regular expression that the reply matches from its first character to its last: JavaScript's
   * syntax with the `u` flag but for back references, at most 4,096 characters. A RegExp without
   * the flags `i`, `m`, `s` and `v` is its source. Throws InvalidSchemaError.
   */
  regex?: string | RegExp
  /** The reply is one of these texts, of up to 1,024 and 64 KiB. Throws InvalidSchemaError. */
  choices?: readonly string[]
  /**
   * Which of the engine's LoRA adapters the reply is made with: one by its name, with the scale of
   * its load, or several with their scales, -100 to 100; 0 is without. Prompts share computed
   * states with prompts of the same adapters and scales only. Nothing is drafted. Default: none.
   */
  lora?: string | Readonly<Record<string, number>>
  /**
   * Prompts share computed states only with prompts of the same salt, so that tenants cannot learn
   * from timing what others asked. 1 to 256 characters. Default: none, shared with all requests
   * without one.
   */
  cacheSalt?: string
  /**
   * Who asks: any text of 1 to 256 characters. Owners take turns for what the engine computes,
   * however many requests each has waiting, and one with none always finds a place in the queue.
   * Requests without an owner have one in common. Default: none.
   */
  owner?: string
  /**
   * Tells how likely each token was, and that many of the likeliest: 0 to 20. By the model's own
   * distribution, before temperature, penalties, biases and everything else that samples. Default:
   * nothing is told.
   */
  logprobs?: number
  /**
   * The same of the prompt: how likely each of its tokens was after those before it, and that many
   * of the likeliest, 0 to 20. All of the prompt is computed for it, also what is known already.
   * With `logprobs`, the token that ends the reply is told as well, though it writes nothing.
   * Default: nothing is told.
   */
  promptLogprobs?: number
  /**
   * Replies to the same prompt, each with the next seed: 1 to `parallel`, default 1. They are read
   * as one: a part says which `choice` it belongs to. The prompt is computed once.
   */
  n?: number
  /** Aborting it cancels the request and rejects with ERR_CANCELLED. */
  signal?: AbortSignal
}

/** What `engine.prepareTools` made of tools, for any number of requests; it never changes. */
export interface PreparedTools {
  /** How many there are, of two with one name the first. */
  readonly count: number
}

/**
 * What of a conversation stays, beside its last turn, where it outgrows the context. A turn is a
 * user's message and what answers it.
 */
export interface FitRules {
  /**
   * Tokens of the context that stay free for the reply: 0 up to the context less 1. Default: a
   * quarter of the context, or `maxTokens` where that is less.
   */
  readonly reserve?: number
  /**
   * What is never dropped: some of the first and the last turns, beside all system and developer
   * messages; or a function that says it of each message, and then of system messages too. Of a
   * message that it keeps the whole turn is kept. Default: the system and developer messages.
   */
  readonly keep?: KeptTurns | KeepsMessage
  /**
   * How much of the conversation stays once something has to be dropped, as a share of the tokens
   * that are left beside what is always kept. Whole turns are dropped, so it is not exact: three
   * quarters of the share stay at least, where turns are short enough. With less, drops are rarer,
   * and only a drop has messages computed again. 1 keeps all that fits and drops nearly every turn.
   * 0 to 1, default 0.5.
   */
  readonly retentionRatio?: number
}

export interface KeptTurns {
  /** Turns at the beginning, for examples or the task. 0 and more, default 0. */
  readonly first?: number
  /**
   * Turns at the end, whole. 1 and more. Default: the last turn; where that alone is too long, its
   * first rounds of tool calls are dropped, and its user's message stays.
   */
  readonly last?: number
}

/** Whether a message, as it was given, is never dropped. `index` is its place, from 0. */
export type KeepsMessage = (message: ChatMessage, index: number) => boolean

export interface ChatOptions<Schema extends object = object> extends RequestOptions<Schema> {
  /**
   * As many as `toolsMax` and `toolBytesMax` of `load` allow. Of two with one name the first. What
   * `engine.prepareTools` made of them is taken as well, and tools in OpenAI's words.
   */
  readonly tools?: readonly (Tool | OpenAiTool)[] | PreparedTools
  /** Default `auto`. */
  readonly toolChoice?: ToolChoice | OpenAiToolChoice
  /** Whether one reply may call several. Default true. */
  readonly parallelToolCalls?: boolean
  readonly reasoning?: ReasoningOptions
  /**
   * What the chat template is told beside all that, by the names of its variables: values of JSON,
   * at most 64 KiB in all. What the engine tells it itself (`messages`, `tools`, `bos_token`,
   * `enable_thinking` ...) is refused by name. No effect where the template knows of no such thing.
   */
  readonly templateArguments?: Readonly<Record<string, unknown>>
  /**
   * Whether the reply goes on with the last message, which must be an assistant's without tool
   * calls. Default: it does where the last message is an assistant's.
   */
  readonly continueFinal?: boolean
  /**
   * Drops the oldest turns of a conversation that outgrows the context, as `engine.fit` does, and
   * tells in `dropped` which messages those were. True takes the default rules. Default false: what
   * is too long rejects with ERR_CONTEXT_LENGTH.
   */
  readonly fit?: boolean | FitRules
}

/** What of ChatOptions makes a difference to the prompt. */
export type TemplateOptions = Pick<
  ChatOptions,
  'tools' | 'toolChoice' | 'parallelToolCalls' | 'reasoning' | 'templateArguments' | 'continueFinal'
>

/** Of what is asked about texts and tokens. */
export interface TextOptions {
  /** As in RequestOptions. */
  owner?: string
  /** Aborting it rejects with ERR_CANCELLED, and drops what waits. */
  signal?: AbortSignal
}

export interface TokenizeOptions extends TextOptions {
  addSpecial?: boolean
  parseSpecial?: boolean
}

export interface CompletionOptions<Schema extends object = object> extends RequestOptions<Schema> {
  /**
   * What follows the gap that the reply fills, the prompt being what stands before it. Only for
   * models that were trained to do so (`model.canInfill`), and for a prompt that is text.
   */
  suffix?: string
}

/**
 * A piece of the reply: whole characters, one or more tokens. It is of one kind: text, reasoning,
 * or tool calls. So the order of a choice's parts is the order in which the model wrote them.
 */
export interface ReplyPart {
  /** Which of the reply's choices goes on: 0, or up to `n` - 1. */
  readonly choice: number
  /** Text of the reply; empty where this piece is reasoning or tool calls. */
  readonly text: string
  /** Tokens of the reply that this piece was made of. */
  readonly tokens: number
  /** Reasoning of the model. Left out where this piece is none. */
  readonly reasoning?: string
  /** What was added to the reply's tool calls. Left out where this piece is none. */
  readonly toolCalls?: readonly ToolCallDelta[]
  /**
   * One entry a token, where they were asked for. An entry comes with the last of its token's
   * bytes, which may be a part later than the first of them.
   */
  readonly logprobs?: readonly TokenLogprobs[]
  /**
   * One entry a token of the prompt, in order, where they were asked for; each choice has them all.
   * They come before the reply itself, some at a time.
   */
  readonly promptLogprobs?: readonly PromptTokenLogprobs[]
}

/** What was added to one tool call. Its id and name come once, whole, with its first delta. */
export interface ToolCallDelta {
  /** Which of the reply's calls, from 0. */
  readonly index: number
  readonly id?: string
  readonly name?: string
  /** More of its arguments: all of them together are JSON. */
  readonly arguments: string
}

export interface TokenLogprob {
  /** The token's number in the vocabulary. */
  readonly id: number
  /**
   * The token's text, or a control token's name; U+FFFD stands for bytes that are part of a
   * character only.
   */
  readonly token: string
  /**
   * The token's bytes, none for a control token. Those of all chosen tokens together are the text:
   * of the token in which a stop string begins, they are the ones before it. With reasoning or tool
   * calls they are all that the model wrote, with these and the marks around them.
   */
  readonly bytes: Uint8Array
  /** Natural logarithm of the probability, before temperature and the like. */
  readonly logprob: number
}

/** The token that was chosen, and the likeliest there were, from the likeliest down. */
export interface TokenLogprobs extends TokenLogprob {
  readonly top: readonly TokenLogprob[]
}

/** A token of the prompt, and the likeliest there were in its place. */
export interface PromptTokenLogprobs extends Omit<TokenLogprobs, 'logprob'> {
  /** As in TokenLogprob; null of the first token, which follows nothing. */
  readonly logprob: number | null
}

/** What cut a reply: the request's `maxTokens`, or the engine's context, which is full. */
export type ReplyLimit = 'maxTokens' | 'context'

/** `tool_calls`: it ended by calling tools, and waits for what they say. */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'cancelled'

export interface Usage {
  readonly promptTokens: number
  /** Of promptTokens, those whose state another prompt or reply had computed already. */
  readonly cachedTokens: number
  /** Tokens generated, the end-of-generation token not counted. */
  readonly completionTokens: number
  /**
   * Of completionTokens, those of reasoning, without the marks around it. Left out where the engine
   * does not know reasoning from text.
   */
  readonly reasoningTokens?: number
}

/** Milliseconds, by the engine's clock, and what drafts came to. */
export interface Timings {
  /** From submission until the request had a slot (templating and tokenizing included). */
  readonly queueMs: number
  /** From then until the first token. */
  readonly prefillMs: number
  /** From the first token until the last, parked time included. */
  readonly decodeMs: number
  /** Of decodeMs, waiting for the reader, or for a slot to come back to. */
  readonly parkedMs: number
  /** Tokens that were drafted for the reply; 0 without `draft`, `lookup` or `mtp`. */
  readonly draftTokens: number
  /** Of draftTokens, those that became part of the reply. */
  readonly draftAcceptedTokens: number
}

export interface Accepted {
  readonly promptTokens: number
  /** Places of the messages that `fit` dropped, from 0, or none. Left out without `fit`. */
  readonly dropped?: readonly number[]
}

/** How one of the reply's choices ended. */
export interface ChoiceResult {
  readonly finishReason: FinishReason
  /**
   * Of finishReason `length`: what it came up against. `maxTokens` is the request's limit;
   * `context` the engine's, so that only a larger `context` or a shorter prompt lets it go on. Left
   * out of other ends.
   */
  readonly limit?: ReplyLimit
  /** The stop string that ended it, if one did. */
  readonly stopString?: string
  /** All of its text, whether or not its parts were read; empty where it has none. */
  readonly text: string
  /** All of its reasoning. Left out where there is none. */
  readonly reasoning?: string
  /** What it called, whole, unless the reply was cut. Left out where it called nothing. */
  readonly toolCalls?: readonly ToolCall[]
  /** The seed that was used, given or not. */
  readonly seed: number
  readonly usage: Usage
  readonly timings: Timings
}

/**
 * How the reply ended: as its first choice did, or `cancelled` where one of them was. Its usage is
 * the first choice's with the tokens of all that were generated.
 */
export interface ReplyResult extends ChoiceResult {
  /** One for each choice, in order. */
  readonly choices: readonly ChoiceResult[]
  /** As `Accepted` has it. */
  readonly dropped?: readonly number[]
}

export interface ModelInfo {
  /** The file's base name without `.gguf`, and of a split model without `-00001-of-00002`. */
  readonly id: string
  /** `general.name` of the file, or its base name. */
  readonly name: string
  /** llama.cpp's one-line description, for example `llama 1B Q8_0`. */
  readonly description: string
  readonly parameters: number
  /** Bytes of the weights. */
  readonly bytes: number
  /** Tokens of context the model was trained on. */
  readonly trainedContext: number
  readonly vocabulary: number
  readonly hasChatTemplate: boolean
  /** Whether it was trained to fill a gap in a text: see CompletionOptions.suffix. */
  readonly canInfill: boolean
  /**
   * Whether it is told of tools and how to call them, by its chat template or by `toolsFallback`;
   * else they are refused.
   */
  readonly canCallTools: boolean
  /** Whether its chat template has marks of reasoning, so that reasoning can be limited. */
  readonly canThink: boolean
  /** Of an engine that embeds; left out where it generates text. */
  readonly embedding?: EmbeddingInfo
}

/** What the engine settled on. */
export interface EngineSettings {
  readonly parallel: number
  /** Tokens per sequence. */
  readonly context: number
  readonly window: number
  readonly queue: number
  readonly queueDeadlineMs: number
  readonly threads: number
  readonly poll: number
  readonly priority: 'low' | 'normal' | 'medium' | 'high' | 'realtime'
  /** The backend that computes beside the CPU; false where none does. */
  readonly gpu: string | false
  /** Layers that are on the GPU, the output counted as one. */
  readonly gpuLayers: number
  /** Machines that compute a part of it, as they were given. */
  readonly rpc: readonly string[]
  readonly kvType: 'f16' | 'bf16' | 'q8_0' | 'q4_0'
  /** As asked for. */
  readonly flashAttention: 'auto' | boolean
  /** Cells of the KV cache that all sequences share; 0 where each has `context` of its own. */
  readonly kvCells: number
  /** MiB of host memory for states that are kept. */
  readonly cacheMiB: number
  /** Folder for states on disk; null without. */
  readonly cacheDir: string | null
  /** GiB that they may take. */
  readonly cacheDiskGiB: number
  /** Path of the draft model; null without. */
  readonly draft: string | null
  /** In the order in which they were given, which is that of their ids at /lora-adapters. */
  readonly lora: readonly AdapterSettings[]
  readonly lookup: boolean
  readonly mtp: boolean
  /** Tokens drafted for one step at most; 0 where the engine measures how many are fastest. */
  readonly draftMax: number
  /** Whether the engine has a process of its own. */
  readonly isolation: 'none' | 'process'
  /** Tokens of reasoning in a reply whose request sets no limit; -1 is no limit. */
  readonly reasoningBudget: number
  /** As asked for; it has no effect where the template knows tools. */
  readonly toolsFallback: boolean
  /** Tools of one request, their bytes, and the work of their schemas in thousands of steps. */
  readonly toolsMax: number
  readonly toolBytesMax: number
  readonly toolWorkMax: number
  /** What a request gets that says nothing of it; the seed is null where each has another. */
  readonly sampling: Readonly<SamplingNumbers> & { readonly seed: number | null }
}

/**
 * Gauges, then counters since load. What counts requests (queued, started, finished, cancelled,
 * failed) is as of now, the rest as of the last step. Counters are raw, for the difference between
 * two looks; what they tell:
 *
 * - rows of a batch: (rowsDecoded - rowsPrefilled) / decodeSteps is how many replies move per step
 * - share of prompts that was not computed again: cachedTokens / promptTokens
 * - share of drafted tokens that were of use: draftAcceptedTokens / draftTokens
 * - a step slower than usual: stepMs
 * - what a step costs beyond llama_decode: (planMs + sampleMs + textMs + wakeMs) / steps
 *
 * When idle, queued, running and parked are zero and started = finished + cancelled + failed.
 */
export interface EngineStats {
  readonly queued: number
  readonly running: number
  /** Replies that wait for their readers. */
  readonly parked: number
  /** KV cells that hold a token of a reply under way, of cellsTotal. */
  readonly cellsUsed: number
  /** Cells of free slots that still hold what they computed, for prompts that begin with it. */
  readonly cellsCached: number
  readonly cellsTotal: number
  /**
   * Bytes of host memory of kept states, and of what is to be used again for one, at most
   * `cacheMiB`; not zero when idle.
   */
  readonly cacheBytes: number
  /** States that are kept in it. */
  readonly cacheEntries: number
  /** Bytes of all states in `cacheDir`, of other models too, when it was last looked at. */
  readonly diskBytes: number
  /** States in it that this engine can use, and those that wait to be written. */
  readonly diskEntries: number
  /** States that were read from `cacheDir`. */
  readonly diskReads: number
  readonly diskReadBytes: number
  /** States that were written to it. */
  readonly diskWrites: number
  readonly diskWrittenBytes: number
  /** States that were worth it and were not written: the disk was full, or too slow. */
  readonly diskDropped: number
  /** Faults of the disk, and states that were damaged. */
  readonly diskErrors: number
  /** Milliseconds that a step took: moving average over the last 20 or so. */
  readonly stepMs: number
  /** Turns of the step loop that computed something. */
  readonly steps: number
  /**
   * Moves as long as the engine's thread goes on. Within a batch too, where the CPU computes it:
   * the first one of a large model may take a minute. On a GPU it moves between batches only.
   */
  readonly beats: number
  /** Moves when a thread that prepares requests and texts begins with one, or is done with it. */
  readonly preparerBeats: number
  /** Whether the engine's thread is at work; false while it waits for something to do. */
  readonly busy: boolean
  /** Rows given to llama_decode, prompts and drafts included. */
  readonly rowsDecoded: number
  /** Of rowsDecoded, those that computed prompts. */
  readonly rowsPrefilled: number
  /** Steps that held at least one generating row. */
  readonly decodeSteps: number
  readonly tokensGenerated: number
  /** Tokens of the prompts that got a slot. */
  readonly promptTokens: number
  /** Of promptTokens, those whose state was there already. */
  readonly cachedTokens: number
  /** Tokens that were drafted. */
  readonly draftTokens: number
  /** Of draftTokens, those that became part of a reply. */
  readonly draftAcceptedTokens: number
  /** Milliseconds of the engine's thread: choosing what is computed, and keeping its books. */
  readonly planMs: number
  /** Milliseconds of the engine's thread within llama_decode. */
  readonly computeMs: number
  /** Milliseconds of the engine's thread until each row had its token. */
  readonly sampleMs: number
  /** Milliseconds of the engine's thread making tokens text for JavaScript. */
  readonly textMs: number
  /** Milliseconds of the engine's thread waking JavaScript's. */
  readonly wakeMs: number
  /** Milliseconds that the engine's thread waited for something to do. */
  readonly idleMs: number
  /** Times that a reply gave up its slot for another; it comes back where it was. */
  readonly preempted: number
  /** Times that a reply was moved to another slot, so that the running ones stay together. */
  readonly moved: number
  /** Whether the engine's process has died and another is being started (`isolation`). */
  readonly isRestarting: boolean
  /** Times that another process was started because the engine's had died. */
  readonly restartsCrashed: number
  /** Times that it was because the engine stood still for `engineStallMs`. */
  readonly restartsStalled: number
  /** Times that it was because the engine ended by itself, or could not load its model again. */
  readonly restartsFailed: number
  readonly started: number
  readonly finished: number
  readonly cancelled: number
  readonly failed: number
  /** Of cancelled: those that had not had a slot yet. */
  readonly cancelledQueued: number
  /** Of cancelled: those whose prompt was being computed. */
  readonly cancelledPrefill: number
  /** Of cancelled: those that were generating. */
  readonly cancelledDecode: number
  /** Of cancelled: those that waited for their readers. */
  readonly cancelledParked: number
  /** What each slot does, null for a free one. As of the last step; none where it embeds. */
  readonly slots: readonly (SlotStats | null)[]
  /** Places, in `settings.lora`, of the adapters that replies in slots are made with. */
  readonly adaptersRunning: readonly number[]
  /** The same of requests that wait for a slot. */
  readonly adaptersWaiting: readonly number[]
}

/** A sequence in its slot, which it may change for another. */
export interface SlotStats {
  /** A number that no other request of the engine has. */
  readonly request: number
  /** Its prompt is computed, its reply is, or it waits for its reader. */
  readonly phase: 'prefill' | 'decode' | 'parked'
  readonly promptTokens: number
  /** Of promptTokens, those whose state was there already. */
  readonly cachedTokens: number
  /** Of prompt and reply together, those that are computed, or were there. */
  readonly computedTokens: number
  /** Generated so far. */
  readonly completionTokens: number
}
