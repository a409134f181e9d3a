import type { ReadableStream as NodeReadableStream } from 'node:stream/web'
import { CancelledError, QueueTimeoutError, type SluiceError } from '../api/errors.js'
import type { Accepted, ChoiceResult, ReplyPart, ReplyResult, RequestNote } from '../api/types.js'
import type { NativeFinished, NativePart, NativeRequest } from '../binding/engine-port.js'
import type { ToolNames } from '../options/tools/tool-names.js'
import { abortedBy, onAbort } from './abort-signals.js'
import { CallSite } from './call-site.js'
import { Deferred } from './deferred.js'
import { cancelledWithout, type EngineClient, type RequestListener } from './engine-client.js'
import type { FitsChat } from './fit/fit.js'
import { choiceSeed } from './native-request.js'
import { Choice, type ChoiceTally, replyTokensOf } from './reply/choice.js'
import { type ReadsObject, readObject } from './reply/object.js'
import { textBytes } from './reply/text-stream.js'
import type { WrittenCalls } from './reply/written-calls.js'

type Step = IteratorResult<ReplyPart, undefined>

/** What became of a request before the engine had it. */
export interface ReplyTelling {
  readonly notes?: readonly RequestNote[]
  readonly toolNames?: ToolNames
  /** What reads the value of its text, where the request has a schema. */
  readonly schema?: ReadsObject | undefined
  /** Where the conversation is first made to fit. */
  readonly fits?: FitsChat
  /** Where its calls are remembered. */
  readonly writtenCalls?: Pick<WrittenCalls, 'add'>
}

/** As the declarations of a program have it, which differ in what is below the bytes. */
type TextBytes = ReturnType<InstanceType<typeof TextEncoder>['encode']>

/** A web stream of whatever declarations a program has: Node's, a browser's, or both. */
type WebStream<T> = ReadableStream<T> & NodeReadableStream<T>

/** What a reply took, as far as the engine has told. */
export interface ReplyTally {
  /** Undefined until it is accepted, and where no slot became free for it in time. */
  readonly promptTokens: number | undefined
  readonly choices: readonly ChoiceTally[]
}

const end: Step = { done: true, value: undefined }

/**
 * A reply on its way, or several to one prompt (`n`), which are read as one. Read it with
 * `for await`, or await `text()`, `object()` or `done`: taking a part is what lets the engine go
 * on, so a reply that is not read waits within its window. It gives up its slot where others wait
 * for one, comes back when it is read, and does not keep the process alive.
 *
 * Leaving the loop, or `cancel()`, stops the generation: `done` resolves with finishReason
 * 'cancelled', and it and `text()` have all the text that was generated until then. The request's
 * AbortSignal stops it too, and rejects the loop, `done` and `text()` with ERR_CANCELLED. Errors
 * reject them as well; a promise that is not awaited never becomes an unhandled rejection.
 *
 * @example
 * ```js
 * import { load } from 'sluice'
 *
 * const engine = await load()
 * const reply = engine.complete('Once upon a time', { maxTokens: 40 })
 * for await (const { text } of reply) process.stdout.write(text)
 * const { usage, finishReason, limit } = await reply.done
 * await engine.close()
 * ```
 */
export class Reply<Result = unknown> implements AsyncIterable<ReplyPart> {
  /** The first choice's seed, given or drawn; each of the others has the next one. */
  readonly seed: number
  /** What of the request was taken otherwise than it says: malformed schemas of tools, for one. */
  readonly notes: readonly RequestNote[]

  readonly #client: EngineClient
  readonly #signal: AbortSignal | undefined
  /** Where the model was told other names of tools than the request has. */
  readonly #names: ToolNames | undefined
  readonly #schema: ReadsObject | undefined
  readonly #writtenCalls: Pick<WrittenCalls, 'add'> | undefined
  /** Where it was asked for. */
  readonly #site = new CallSite(Reply)
  readonly #done = new Deferred<ReplyResult>()
  readonly #accepted = new Deferred<Accepted>()
  readonly #settled = new Deferred<void>()
  readonly #choices: readonly Choice[]
  /** Those that have something to take, in the order in which it came. */
  readonly #ready: Choice[] = []
  #state: 'live' | 'ended' = 'live'
  #cancelled = false
  #error: SluiceError | undefined
  /** What was dropped so that the conversation fits; undefined where that was not asked for. */
  #dropped: readonly number[] | undefined
  /** Ends the look for what fits. */
  #fitting: AbortController | undefined
  /** No longer waits for the signal. */
  #rest: () => void = () => undefined
  #isIterated = false
  /** Something waits for its end: it is read on, whether or not somebody takes its parts. */
  #isDrained = false
  /** A part was given to an iterator. */
  #isBegun = false
  /** Readers that wait, in the order in which they asked. */
  readonly #waiting: Waiting[] = []

  /** @internal Made by Engine. */
  constructor(
    client: EngineClient,
    request: Omit<NativeRequest, 'id'>,
    signal?: AbortSignal,
    told?: ReplyTelling,
  ) {
    this.#client = client
    this.notes = told?.notes ?? []
    this.#names = told?.toolNames?.areSame === false ? told.toolNames : undefined
    this.#schema = told?.schema
    this.#writtenCalls = told?.writtenCalls
    this.seed = request.seed
    this.#signal = signal
    this.#choices = Array.from({ length: request.choices }, (_, index) => {
      return new Choice(index, choiceSeed(request.seed, index), request.maxTokens)
    })
    if (signal?.aborted) {
      this.#fail(abortedBy(this.#signal, 'the request was aborted'))
      this.#settle()
      return
    }
    this.#rest = onAbort(signal, this.#onAbort)
    if (told?.fits === undefined) this.#submit(request)
    else this.#fitAndSubmit(request, told.fits)
  }

  /**
   * Settles once the prompt is templated, tokenized, checked against the context and queued.
   * Rejects with ERR_OVERLOADED, ERR_QUEUE_TIMEOUT, ERR_CONTEXT_LENGTH, ERR_INVALID_REQUEST,
   * ERR_INVALID_GRAMMAR, ERR_INVALID_SCHEMA, ERR_CLOSED, ERR_ENGINE_ENDED, or with ERR_CANCELLED,
   * also when `cancel()` came first.
   */
  get accepted(): Promise<Accepted> {
    return this.#accepted.promise
  }

  /** @internal Whether the engine is done with it. */
  get isSettled(): boolean {
    return this.#settled.isSettled
  }

  /**
   * @internal Resolves once the engine is done with it. A reader that its signal took away has
   * heard of the end before; only then are the tokens known.
   */
  get settled(): Promise<void> {
    return this.#settled.promise
  }

  /**
   * How the reply ended, and all of it: `done.text` is the whole text, whoever has read it. If the
   * reply is not being read, asking for this reads it to its end; what was read is kept for a later
   * iteration. Asked for before a loop, it leaves the pace to the loop.
   */
  get done(): Promise<ReplyResult> {
    this.#drainUnlessIterated()
    return this.#done.promise
  }

  /**
   * All the text of the first choice, once the reply has ended: the same each time, before, during
   * and after an iteration. It reads the reply to its end; a loop under way still gets all parts.
   * Of a reply that was cancelled it is the text until then.
   */
  async text(): Promise<string> {
    return (await this.#whole()).text
  }

  /** The same of each choice. */
  async texts(): Promise<string[]> {
    return (await this.#whole()).choices.map(({ text }) => text)
  }

  /**
   * The value of the first choice's text, as the request's `schema` has it: parsed, and validated
   * by a Standard Schema, with its defaults and transforms. Without a schema it is what the JSON
   * says, for example by `json`. Reads the reply to its end, as `text()` does.
   *
   * Rejects with ERR_INVALID_REPLY where there is no such value: the reply was cut, called tools,
   * is no JSON, or its schema's own rules refuse it; and with what `done` rejects with.
   */
  async object(): Promise<Result> {
    return this.#objectOf(await this.#whole())
  }

  /** The same of each choice; rejects where one has none. */
  async objects(): Promise<Result[]> {
    const { choices } = await this.#whole()
    return Promise.all(choices.map((choice) => this.#objectOf(choice)))
  }

  /** @internal */
  get tally(): ReplyTally {
    const choices = this.#choices.map((choice) => choice.tally)
    const isRefused = this.#error instanceof QueueTimeoutError
    return { promptTokens: isRefused ? undefined : this.#at(0).promptTokens, choices }
  }

  /** Stops generating, at the next step. `done` resolves with finishReason 'cancelled'. */
  cancel(): void {
    if (this.#state === 'ended' || this.#cancelled) return
    this.#cancelled = true
    this.#fitting?.abort()
    this.#cancelRunning() // first: the text of an error's stack takes time
    if (!this.#isAccepted) this.#accepted.reject(this.#site.joinedTo(cancelledEarly()))
    this.#wake()
  }

  /**
   * The text of the first choice as a web stream of UTF-8 bytes: a body for `new Response()`, or by
   * `Readable.fromWeb()` a stream of Node's. It holds no reasoning and no tool calls. Its pull is
   * the credit, so that a slow reader slows the reply; its cancel is the reply's. Await `done` only
   * once somebody reads the stream: until then the reply waits for its reader.
   *
   * @example
   * ```js
   * import { load } from 'sluice'
   *
   * const engine = await load()
   * const reply = engine.complete('Once upon a time', { maxTokens: 40 })
   * const response = new Response(reply.toTextStream()) // what a handler of fetch's kind returns
   * console.log(await response.text())
   * await engine.close()
   * ```
   */
  toTextStream(): WebStream<TextBytes> {
    return textBytes(this[Symbol.asyncIterator]()) as WebStream<TextBytes>
  }

  /** Its parts as a web stream; its pull is the credit, and its cancel the reply's. */
  toWeb(): WebStream<ReplyPart> {
    const iterator = this[Symbol.asyncIterator]()
    const stream = new ReadableStream<ReplyPart>(
      {
        async pull(controller) {
          const { done, value } = await iterator.next()
          if (done) controller.close()
          else controller.enqueue(value)
        },
        async cancel() {
          await iterator.return?.()
        },
      },
      { highWaterMark: 0 },
    )
    return stream as WebStream<ReplyPart>
  }

  [Symbol.asyncIterator](): AsyncIterator<ReplyPart, undefined> {
    this.#isIterated = true
    return {
      next: () => this.#next(),
      return: async () => {
        this.cancel()
        return end
      },
    }
  }

  #submit(request: Omit<NativeRequest, 'id'>): void {
    try {
      const first = this.#client.submit(request, (choice) => this.#listener(this.#at(choice)))
      for (const [index, choice] of this.#choices.entries()) choice.id = first + index
    } catch (error) {
      this.#fail(error as SluiceError)
      this.#settle()
    }
  }

  async #fitAndSubmit(request: Omit<NativeRequest, 'id'>, fits: FitsChat): Promise<void> {
    this.#fitting = new AbortController()
    const { signal } = this.#fitting
    try {
      const { chat, dropped } = await fits({ owner: request.owner, signal })
      signal.throwIfAborted()
      this.#dropped = dropped
      this.#submit({ ...request, prompt: chat })
    } catch (error) {
      // The engine has not heard of it, so it tells nothing.
      if (!this.#cancelled) this.#fail(error as SluiceError)
      else for (const one of this.#choices) this.#finish(one, cancelledWithout(one.id, 'queued'))
      this.#settle()
    }
  }

  #next(): Promise<Step> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
      this.#wake()
    })
  }

  /** Answers those that wait, as far as there is something to say. */
  #wake(): void {
    while (this.#waiting.length > 0) {
      const ready = this.#cancelled ? undefined : this.#nextReady()
      if (this.#cancelled) this.#waiting.shift()?.resolve(end)
      else if (ready !== undefined) this.#waiting.shift()?.resolve(this.#take(ready))
      else if (this.#error !== undefined) this.#waiting.shift()?.reject(this.#error)
      else if (this.#state === 'ended') this.#waiting.shift()?.resolve(end)
      else return
    }
  }

  #nextReady(): Choice | undefined {
    let choice = this.#ready.shift()
    while (choice?.isEmpty) choice = this.#ready.shift() // its signal cleared it
    return choice
  }

  #take(choice: Choice): Step {
    this.#isBegun = true
    const value = choice.take()
    if (!choice.isEmpty) this.#ready.push(choice)
    this.#credit(choice, value.tokens + (value.promptLogprobs?.length ?? 0))
    return { done: false, value }
  }

  #credit(choice: Choice, taken = choice.uncredited): void {
    const tokens = Math.min(taken, choice.uncredited) // `done` may have drained it before
    // A cancelled reply is on its way out: credit would only wake it.
    if (this.#cancelled || tokens === 0) return
    this.#client.credit(choice.id, tokens)
    choice.uncredited -= tokens
  }

  #whole(): Promise<ReplyResult> {
    this.#drain()
    return this.#done.promise
  }

  async #objectOf(choice: ChoiceResult): Promise<Result> {
    try {
      return (await readObject(choice, this.#schema)) as Result
    } catch (error) {
      throw this.#site.joinedTo(error)
    }
  }

  #drainUnlessIterated(): void {
    if (this.#isDrained || this.#state === 'ended') return
    // Later, so that `reply.done.then(...)` in front of a loop does not read ahead of it.
    setImmediate(() => {
      // A reader that has a part and does not wait for the next one may wait for the end itself.
      const isPaused = this.#isBegun && this.#waiting.length === 0
      if (!this.#isIterated || isPaused) this.#drain()
    })
  }

  #drain(): void {
    if (this.#isDrained) return
    this.#isDrained = true
    for (const choice of this.#choices) this.#credit(choice)
  }

  #at(index: number): Choice {
    return this.#choices[index] as Choice
  }

  #listener(choice: Choice): Required<Omit<RequestListener, 'onEmbedded'>> {
    return {
      onAccepted: (promptTokens) => {
        choice.promptTokens = promptTokens
        if (this.#isAccepted) this.#accepted.resolve({ promptTokens, ...this.#told })
      },
      onText: (text, tokens) => {
        choice.received += tokens
        if (this.#state === 'ended') return // aborted by its signal
        const isNew = choice.isEmpty
        choice.addText(text, tokens)
        this.#arrived(choice, tokens, isNew)
      },
      onPart: (came) => {
        const part = this.#names === undefined ? came : withSentNames(came, this.#names)
        choice.received += replyTokensOf(part)
        if (this.#state === 'ended') return
        const isNew = choice.isEmpty
        choice.addPart(part)
        this.#arrived(choice, part.tokens, isNew)
      },
      onFinished: (event) => {
        this.#finish(choice, event)
        this.#leave(choice)
      },
      // Where one choice fails, all of them end.
      onError: (error) => {
        this.#fail(error)
        this.#cancelRunning()
        this.#leave(choice)
      },
    }
  }

  get #told(): Pick<Accepted, 'dropped'> {
    return this.#dropped === undefined ? {} : { dropped: this.#dropped }
  }

  get #isAccepted(): boolean {
    return this.#choices.every(({ promptTokens }) => promptTokens !== undefined)
  }

  #arrived(choice: Choice, tokens: number, isNew: boolean): void {
    choice.uncredited += tokens
    if (isNew) this.#ready.push(choice)
    if (this.#isDrained) this.#credit(choice)
    this.#wake()
  }

  #finish(choice: Choice, event: NativeFinished): void {
    choice.finish(event)
    for (const call of choice.result?.toolCalls ?? []) this.#writtenCalls?.add(call)
    if (this.#state === 'ended') return
    const results = this.#choices.flatMap(({ result }) => (result === undefined ? [] : [result]))
    if (results.length < this.#choices.length) return
    this.#state = 'ended'
    this.#rest()
    this.#done.resolve({ ...replyResult(results), ...this.#told })
    this.#wake()
  }

  #leave(choice: Choice): void {
    choice.isOver = true
    if (this.#choices.every(({ isOver }) => isOver)) this.#settle()
  }

  #settle(): void {
    this.#settled.resolve()
  }

  #fail(error: SluiceError): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#error = this.#site.joinedTo(error)
    this.#rest()
    this.#accepted.reject(error)
    this.#done.reject(error)
    this.#wake()
  }

  /** The client passes over those that have ended. */
  #cancelRunning(): void {
    for (const { id } of this.#choices) this.#client.cancel(id)
  }

  readonly #onAbort = (): void => {
    if (this.#cancelled) return
    this.#fitting?.abort()
    this.#cancelRunning()
    for (const choice of this.#choices) choice.clear()
    this.#fail(abortedBy(this.#signal, 'the request was aborted'))
  }
}

function withSentNames(part: NativePart, names: ToolNames): NativePart {
  const toolCalls = part.toolCalls?.map((delta) => {
    return delta.name === undefined ? delta : { ...delta, name: names.sent(delta.name) }
  })
  return toolCalls === undefined ? part : { ...part, toolCalls }
}

function replyResult(choices: readonly ChoiceResult[]): ReplyResult {
  const first = choices[0] as ChoiceResult
  const isCancelled = choices.some(({ finishReason }) => finishReason === 'cancelled')
  const sumOf = (count: 'completionTokens' | 'reasoningTokens') =>
    choices.reduce((sum, { usage }) => sum + (usage[count] ?? 0), 0)
  const tellsReasoning = choices.some(({ usage }) => usage.reasoningTokens !== undefined)
  return {
    ...(isCancelled ? asCancelled(first) : first),
    usage: {
      ...first.usage,
      completionTokens: sumOf('completionTokens'),
      ...(tellsReasoning ? { reasoningTokens: sumOf('reasoningTokens') } : {}),
    },
    choices,
  }
}

/** A limit is of `length` alone. */
function asCancelled({ limit: _, ...choice }: ChoiceResult): ChoiceResult {
  return { ...choice, finishReason: 'cancelled' }
}

function cancelledEarly(): CancelledError {
  return new CancelledError('the request was cancelled before it was accepted')
}

interface Waiting {
  resolve(step: Step): void
  reject(error: Error): void
}
