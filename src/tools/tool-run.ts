import { MaxRoundsError } from '../api/errors.js'
import type { OpenAiMessage } from '../api/openai-types.js'
import type { ToolResult, ToolRound, ToolRunPart, ToolRunResult } from '../api/tool-types.js'
import type {
  ChatMessage,
  ChatOptions,
  PreparedTools,
  RequestNote,
  ToolCall,
  ToolChoice,
  Usage,
} from '../api/types.js'
import { abortedBy, onAbort } from '../engine/abort-signals.js'
import { CallSite } from '../engine/call-site.js'
import { compiled } from '../engine/compiled-schema.js'
import { Deferred } from '../engine/deferred.js'
import type { Engine } from '../engine/engine.js'
import { textBytes } from '../engine/reply/text-stream.js'
import type { Reply } from '../engine/reply.js'
import type { ParsedToolRun } from '../options/tools/tool-run-options.js'
import { Conversation } from './conversation.js'
import { runCalls } from './tool-calls.js'

type Step = IteratorResult<ToolRunPart, undefined>

const end: Step = { done: true, value: undefined }
const nothing = () => undefined

/**
 * Replies of a model to a conversation, and its calls of tools in between, read as one. Read it as
 * a Reply: with `for await`, or await `text()`, `object()` or `done`. Taking a part is what lets it
 * go on: a run that is not read waits within the window of its reply, and begins no further one.
 *
 * Leaving the loop, or `cancel()`, stops the reply and the tools that run, and `done` resolves with
 * finishReason 'cancelled'. The AbortSignal of the options stops them too, and rejects the loop
 * and `done` with ERR_CANCELLED. What fails a reply fails the run; what fails a tool does not. A
 * promise that is not awaited never becomes an unhandled rejection.
 */
export class ToolRun<Result = unknown> implements AsyncIterable<ToolRunPart> {
  readonly #engine: Engine
  readonly #options: ParsedToolRun
  readonly #conversation: Conversation
  readonly #rounds: ToolRound[] = []
  readonly #notes: readonly RequestNote[]
  readonly #steps: AsyncGenerator<ToolRunPart, undefined>
  readonly #done = new Deferred<ToolRunResult>()
  /** What tools stop by: the run's signal, `cancel()`, or the end. */
  readonly #stop = new AbortController()
  #isCancelled = false
  #reply: Reply
  #prepared: PreparedTools | undefined
  #error: { readonly thrown: unknown } | undefined
  #isIterated = false
  /** A part was given to an iterator. */
  #isBegun = false
  /** Parts that were asked for and have not come. */
  #waiting = 0
  /** What was read ahead of a loop, by `done` or `text()`. */
  readonly #kept: ToolRunPart[] = []
  /** The step that is being read ahead. */
  #ahead: Promise<void> | undefined
  /** Where the run was asked for. */
  readonly #site = new CallSite(ToolRun)

  /** @internal Made by runTools. */
  constructor(
    engine: Engine,
    messages: readonly (ChatMessage | OpenAiMessage)[],
    options: ParsedToolRun,
  ) {
    this.#engine = engine
    const { schema } = options.chat // its grammar is made once, for all replies
    const chat = schema === undefined ? options.chat : { ...options.chat, schema: compiled(schema) }
    this.#options = { ...options, chat }
    const { tools } = options
    const shown = [...tools.values()].map((tool) => tool.shown)
    this.#reply = engine.chat(messages, { ...chat, ...firstChoice(chat.toolChoice), tools: shown })
    this.#conversation = new Conversation(messages)
    this.#notes = this.#reply.notes
    const rest = onAbort(chat.signal, () => this.#abort())
    this.#done.promise.then(rest, rest)
    this.#steps = this.#run()
  }

  /**
   * How it ended, and all of it. If it is not being read, asking for this reads it to its end; what
   * was read is kept for a later loop. Asked for before a loop, it leaves the pace to the loop.
   */
  get done(): Promise<ToolRunResult> {
    setImmediate(() => {
      // A reader that has a part and does not wait for the next one may wait for the end itself.
      const isPaused = this.#isBegun && this.#waiting === 0
      if (!this.#isIterated || isPaused) void this.#readAhead()
    })
    return this.#done.promise
  }

  /**
   * The answer: all the text of the last reply. It reads the run to its end; a loop under way still
   * gets all parts. Rejects with ERR_MAX_ROUNDS where there is no answer, as `maxRounds` ended the
   * run.
   */
  async text(): Promise<string> {
    void this.#readAhead()
    const { finishReason, text } = await this.#done.promise
    if (finishReason !== 'max_rounds') return text
    throw new MaxRoundsError(
      `expected an answer within ${this.#options.maxRounds} replies (maxRounds), but the last ` +
        'one called tools as well; `done` has the conversation, and another run may go on with it',
    )
  }

  /** The value of that text, as `Reply.object()` has it by the option `schema`. */
  async object(): Promise<Result> {
    await this.text()
    return this.#reply.object() as Promise<Result>
  }

  /** The text of all replies as a web stream of UTF-8 bytes, as `Reply.toTextStream()` has it. */
  toTextStream(): ReturnType<Reply['toTextStream']> {
    return textBytes(this[Symbol.asyncIterator]()) as ReturnType<Reply['toTextStream']>
  }

  /** The conversation as far as it has come; also of a run that failed. */
  get messages(): readonly ChatMessage[] {
    return this.#conversation.messages
  }

  /** Stops the reply, and the tools that run. `done` resolves with finishReason 'cancelled'. */
  cancel(): void {
    if (this.#stop.signal.aborted) return
    this.#isCancelled = true
    this.#stop.abort()
    this.#reply.cancel()
    void this.#readAhead()
  }

  [Symbol.asyncIterator](): AsyncIterator<ToolRunPart, undefined> {
    this.#isIterated = true
    return {
      next: async () => {
        this.#waiting++
        try {
          return await this.#next()
        } finally {
          this.#waiting--
          this.#isBegun = true
        }
      },
      return: async () => {
        this.cancel()
        return end
      },
    }
  }

  async #next(): Promise<Step> {
    for (;;) {
      if (this.#isCancelled) return end
      const value = this.#kept.shift()
      if (value !== undefined) return { done: false, value }
      if (this.#ahead === undefined) break
      await this.#ahead
    }
    const step = await this.#steps.next()
    if (step.done === true && this.#error !== undefined) throw this.#error.thrown
    return step
  }

  /** Reads to the end, and keeps the parts for a loop unless the run was left. */
  async #readAhead(): Promise<void> {
    if (this.#ahead !== undefined) return
    try {
      for (;;) {
        const next = this.#steps.next()
        this.#ahead = next.then(nothing, nothing)
        const { done, value } = await next
        if (done === true) return
        this.#kept.push(value)
      }
    } catch (error) {
      this.#fail(error) // as it has been: each reader hears of it
    } finally {
      this.#ahead = undefined
    }
  }

  #abort(): void {
    const { signal } = this.#options.chat
    this.#stop.abort(signal?.reason)
    this.#fail(this.#site.joinedTo(abortedBy(signal, 'the run of tools was aborted')))
  }

  /** The first time counts. */
  #fail(thrown: unknown): void {
    this.#error ??= { thrown }
    this.#done.reject(thrown)
  }

  async *#run(): AsyncGenerator<ToolRunPart, undefined> {
    try {
      const finishReason = yield* this.#replies()
      this.#done.resolve(this.#result(finishReason))
    } catch (thrown) {
      const error = this.#site.joinedTo(thrown)
      this.#fail(error)
      throw error
    } finally {
      this.#stop.abort()
    }
  }

  async *#replies(): AsyncGenerator<ToolRunPart, ToolRunResult['finishReason']> {
    for (let round = 0; ; round++) {
      for await (const part of this.#reply) yield { ...part, round }
      const result = await this.#reply.done
      const toolResults: ToolResult[] = []
      this.#rounds.push({ ...result, toolResults })
      const isContinued = round === 0 && this.#options.chat.continueFinal !== false
      const { begun } = this.#conversation
      this.#conversation.addReply(result, isContinued ? begun : undefined)
      if (result.finishReason !== 'tool_calls') return result.finishReason
      const calls = result.toolCalls ?? []
      for await (const toolResult of this.#answer(calls, toolResults)) {
        yield { choice: 0, text: '', tokens: 0, round, toolResult }
      }
      if (this.#isCancelled) return 'cancelled'
      if (toolResults.length < calls.length) return 'tool_calls'
      if (round + 1 === this.#options.maxRounds) return 'max_rounds'
      const tools = await this.#prepareTools()
      if (this.#isCancelled) return 'cancelled'
      this.#reply = this.#nextReply(tools)
    }
  }

  /** Runs the calls, and takes what they come to into the conversation, in the calls' order. */
  async *#answer(
    calls: readonly ToolCall[],
    toolResults: ToolResult[],
  ): AsyncGenerator<ToolResult, undefined> {
    const { tools, toolConcurrency: concurrency } = this.#options
    const { signal } = this.#stop
    const settings = { tools, concurrency, signal, messages: this.messages }
    const runnable = calls.filter(
      ({ name }) => tools.get(name)?.run !== undefined || !tools.has(name),
    )
    const came = new Map<ToolCall, ToolResult>()
    for await (const [call, result] of runCalls(runnable, settings)) {
      came.set(call, result)
      if (!signal.aborted) yield result
    }
    for (const call of runnable) {
      const result = came.get(call) as ToolResult
      toolResults.push(result)
      this.#conversation.addResult(result)
    }
    const { chat } = this.#options
    if (chat.signal?.aborted) throw abortedBy(chat.signal, 'the run of tools was aborted')
  }

  /** For all further replies: some milliseconds at a time, and of no cost from then on. */
  async #prepareTools(): Promise<PreparedTools> {
    const { tools, chat } = this.#options
    const shown = [...tools.values()].map((tool) => tool.shown)
    const { signal } = chat
    this.#prepared ??= await this.#engine.prepareTools(
      shown,
      signal === undefined ? {} : { signal },
    )
    return this.#prepared
  }

  #nextReply(tools: PreparedTools): Reply {
    const { toolChoice, continueFinal, ...chat } = this.#options.chat
    return this.#engine.chat(this.messages, { ...chat, ...laterChoice(toolChoice), tools })
  }

  #result(finishReason: ToolRunResult['finishReason']): ToolRunResult {
    const usages = this.#rounds.map(({ usage }) => usage)
    return {
      finishReason,
      text: this.#rounds.at(-1)?.text ?? '',
      messages: this.messages,
      rounds: this.#rounds,
      usage: usages.reduce(sumOf),
      notes: this.#notes,
    }
  }
}

function sumOf(a: Usage, b: Usage): Usage {
  const reasoningTokens = (a.reasoningTokens ?? 0) + (b.reasoningTokens ?? 0)
  const tellsReasoning = a.reasoningTokens !== undefined || b.reasoningTokens !== undefined
  return {
    promptTokens: a.promptTokens + b.promptTokens,
    cachedTokens: a.cachedTokens + b.cachedTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    ...(tellsReasoning ? { reasoningTokens } : {}),
  }
}

/** One tool must be called, but the model is told of all: later prompts begin with this one. */
function firstChoice(given: ChatOptions['toolChoice']): Pick<ChatOptions, 'toolChoice'> {
  const choice = given as ToolChoice | undefined // in our words, once it is read
  if (choice === undefined) return {}
  if (typeof choice === 'string' || !('name' in choice)) return { toolChoice: choice }
  return { toolChoice: { names: [choice.name], mode: 'required' } }
}

/** What must be called is called once: else there would be no answer. */
function laterChoice(given: ChatOptions['toolChoice']): Pick<ChatOptions, 'toolChoice'> {
  const choice = given as ToolChoice | undefined
  if (choice === 'none') return { toolChoice: choice }
  if (typeof choice !== 'object' || !('names' in choice)) return {}
  return { toolChoice: { names: choice.names } }
}
