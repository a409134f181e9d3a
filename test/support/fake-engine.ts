import type {
  EngineCommand,
  EngineEvent,
  EnginePort,
  EngineSnapshot,
  NativeChat,
  NativeEngineOptions,
  NativeErrorCode,
  NativeErrorDetails,
  NativeEstimate,
  NativeModelInfo,
  NativePart,
  NativeRequest,
  NativeTexts,
  RequestPhase,
} from '../../src/binding/engine-port.js'
import { numbersOfSlot } from '../../src/binding/slot-numbers.js'
import { phases } from '../../src/engine/slots.js'
import { FakeEmbedder, type FakeEmbedding } from './fake-embedder.js'

/** How the fake answers one request. */
export interface Script {
  /**
   * One text per token, or what else a token brings; an endless generator runs until maxTokens, a
   * cancel or a close.
   */
  tokens: Iterable<string | FakePart>
  /** How it ends once the tokens are used up. Default 'stop'. */
  end?: 'stop' | 'length' | 'tool_calls' | FakeFailure
  /** Refused by the Preparer instead of accepted. */
  refuse?: FakeFailure
  /** Steps that the prompt takes before the first token. Default 1. */
  prefillSteps?: number
  /** Default: one per word of the prompt. */
  promptTokens?: number
  /** Of promptTokens, taken from the cache. Default 0. */
  cachedTokens?: number
  /** Of its tokens, those that were thought. Default: thoughts are not told apart. */
  reasoningTokens?: number
  /** Default 0. */
  parkedMs?: number
  /** Of the request's label tokens, in their order. Default: all alike. */
  labelLogprobs?: number[]
  /** Drafted for it, and of them accepted. Default 0. */
  draftTokens?: number
  draftAcceptedTokens?: number
}

/** A token's bytes as they cross the border. */
export function tokenBytes(bytes: string | Buffer): string {
  return Buffer.from(bytes).toString('latin1')
}

/** What is left out is empty. */
export type FakePart = Partial<Omit<NativePart, 'kind' | 'id' | 'tokens'>>

export type FakeFailure = { code: NativeErrorCode; message: string } & NativeErrorDetails

export interface FakeOptions {
  /** Default: answers every request with "Once upon a time.", a token a word. */
  script?: (request: NativeRequest) => Script
  /** 'auto' steps by itself while there is work; 'manual' only by step(). Default 'auto'. */
  pace?: 'auto' | 'manual'
  /**
   * 'held' stays loading until ready() or failLoad(), 'estimated' too where it is no estimate.
   * Default 'auto'.
   */
  load?: 'auto' | 'held' | 'estimated'
  /** How it embeds. Default: it generates. */
  embedding?: FakeEmbedding
  /** What else its model is; see modelInfo. Default: it calls tools, and does not think. */
  model?: Partial<NativeModelInfo>
}

type FakeEvent =
  | Exclude<EngineEvent, NativeTexts>
  | { kind: 'text'; id: number; text: string; tokens: number }

type State = 'preparing' | 'queued' | 'prefill' | 'running' | 'parked'

interface Sequence {
  readonly request: NativeRequest
  readonly script: Script
  readonly tokens: Iterator<string | FakePart>
  readonly promptTokens: number
  state: State
  prefillLeft: number
  produced: number
  credited: number
  isCancelled: boolean
}

export class FakeEngine implements EnginePort {
  readonly options: NativeEngineOptions
  /** Every request that came, in order, each of its choices by itself. */
  readonly submitted: NativeRequest[] = []
  readonly credited: { id: number; tokens: number }[] = []
  readonly cancelled: number[] = []
  /** All tokens that were to be told as text, in order. */
  readonly detokenized: Int32Array[] = []
  /** Every text that was to be tokenized, in order. */
  readonly tokenized: { text: string; addSpecial: boolean; parseSpecial: boolean }[] = []
  /** Tokens that each request produced, by id. */
  readonly produced = new Map<number, number>()
  /** A frozen engine does nothing more, not even cancel: a thread that hangs. */
  isFrozen = false
  isReferenced = false
  /** Is given each text job in place of its being answered, with what answers it. */
  onTextJob: ((job: TextJob, answer: () => void) => void) | undefined
  readonly embedder: FakeEmbedder
  readonly #embedding: FakeEmbedding | undefined
  readonly #model: Partial<NativeModelInfo>
  readonly #wake: () => void
  readonly #scriptOf: (request: NativeRequest) => Script
  readonly #isAuto: boolean
  readonly #sequences: Sequence[] = []
  readonly #counters = { steps: 0, rowsDecoded: 0, rowsPrefilled: 0, decodeSteps: 0 }
  readonly #prompts = { promptTokens: 0, cachedTokens: 0 }
  #tokensGenerated = 0
  #events: FakeEvent[] = []
  #isWoken = false
  #isScheduled = false
  #isClosed = false

  constructor(options: NativeEngineOptions, wake: () => void, fake: FakeOptions = {}) {
    this.options = options
    this.#wake = wake
    this.#scriptOf = fake.script ?? (() => ({ tokens: ['Once', ' upon', ' a', ' time.'] }))
    this.#embedding = fake.embedding
    this.#model = fake.model ?? {}
    this.embedder = new FakeEmbedder(fake.embedding, (event) => this.#emit(event))
    this.#isAuto = fake.pace !== 'manual'
    if (fake.load === 'held' || (fake.load === 'estimated' && !options.estimatesOnly)) return
    setImmediate(() => (options.estimatesOnly ? this.estimated() : this.ready()))
  }

  ready(info: Partial<NativeModelInfo> = {}): void {
    this.#emit({ kind: 'ready', ...this.#modelInfo(), ...info })
    this.#deliver()
  }

  estimated(estimate: Partial<NativeEstimate> = {}): void {
    const { freeBytes } = this.options
    this.#emit({ kind: 'estimated', ...this.#modelInfo(), freeBytes, fits: true, ...estimate })
    this.close()
  }

  progress(fraction: number): void {
    this.#emit({ kind: 'progress', fraction })
    this.#deliver()
  }

  failLoad(failure: FakeFailure): void {
    this.#emit({ kind: 'load-failed', ...failure })
    this.close()
  }

  post(command: EngineCommand): void {
    switch (command.kind) {
      case 'generate':
        for (let choice = 0; choice < command.choices; choice++) {
          this.#start({ ...command, id: command.id + choice, seed: command.seed + choice })
        }
        break
      case 'embed':
        this.embedder.take(command)
        break
      case 'close':
        this.close()
        return
      default:
        if (this.onTextJob === undefined) this.#answer(command)
        else this.onTextJob(command, () => this.#answer(command))
        return
    }
    this.#schedule()
  }

  #start(request: NativeRequest): void {
    const script = this.#scriptOf(request)
    this.submitted.push(request)
    this.#sequences.push({
      request,
      script,
      tokens: script.tokens[Symbol.iterator](),
      promptTokens: script.promptTokens ?? wordsOf(request),
      state: 'preparing',
      prefillLeft: script.prefillSteps ?? 1,
      produced: 0,
      credited: 0,
      isCancelled: false,
    })
  }

  credit(id: number, tokens: number): void {
    const sequence = this.#sequences.find(({ request }) => request.id === id)
    if (sequence !== undefined) sequence.credited += tokens
    this.credited.push({ id, tokens })
    this.#schedule()
  }

  cancel(id: number): void {
    const sequence = this.#sequences.find(({ request }) => request.id === id)
    if (sequence !== undefined) sequence.isCancelled = true
    this.embedder.cancel(id)
    this.cancelled.push(id)
    this.#schedule()
  }

  #answer(job: TextJob): void {
    this.#emit(this.#answerTo(job))
    setImmediate(() => this.#deliver())
  }

  /** A token for each character. */
  #answerTo(job: TextJob): FakeEvent {
    const { id } = job
    switch (job.kind) {
      case 'tokenize': {
        const { text, addSpecial, parseSpecial } = job
        this.tokenized.push({ text, addSpecial, parseSpecial })
        return { kind: 'tokens', id, tokens: tokensOf(text) }
      }
      case 'detokenize':
        this.detokenized.push(job.tokens)
        return { kind: 'text-made', id, text: String.fromCodePoint(...job.tokens) }
      case 'pieces':
        return { kind: 'pieces', id, pieces: Array.from(job.tokens, pieceOf) }
      case 'apply-template':
        return { kind: 'text-made', id, text: templated(job.chat) }
      case 'tokenize-chat':
        return { kind: 'tokens', id, tokens: tokensOf(templated(job.chat)) }
    }
  }

  drain(): EngineEvent[] {
    const events = this.#events
    this.#events = []
    this.#isWoken = false
    return events.map((event) => {
      if (event.kind !== 'text') return event
      return { kind: 'texts', ids: [event.id], texts: [event.text], tokens: [event.tokens] }
    })
  }

  snapshot(): EngineSnapshot {
    const count = (...states: State[]) =>
      this.#sequences.filter(({ state }) => states.includes(state)).length
    const cells = this.#sequences
      .filter(({ state }) => state === 'running' || state === 'parked')
      .reduce((sum, { promptTokens, produced }) => sum + promptTokens + produced, 0)
    return {
      ...idleSnapshot,
      running: count('prefill', 'running'),
      parked: count('parked'),
      cellsUsed: cells,
      cellsTotal: this.options.parallel * (this.options.context || 2048),
      busy: this.#canMove(),
      ...this.#counters,
      tokensGenerated: this.#tokensGenerated,
      ...this.#prompts,
      slots: this.#slots(),
    }
  }

  /** Those in use first, in the order in which they came. */
  #slots(): EngineSnapshot['slots'] {
    const taken = this.#sequences.filter(({ state }) => phaseIn[state] !== 'queued')
    const slots = new Float64Array(this.options.parallel * numbersOfSlot)
    for (const [slot, one] of taken.slice(0, this.options.parallel).entries()) {
      const { request, script, state, promptTokens, produced } = one
      const computed = state === 'prefill' ? 0 : promptTokens + produced
      const counts = [promptTokens, script.cachedTokens ?? 0, computed, produced]
      const phase = phases.indexOf(phaseIn[state])
      slots.set([request.id, phase, ...counts], slot * numbersOfSlot)
    }
    return slots
  }

  ref(): void {
    this.isReferenced = true
  }

  unref(): void {
    this.isReferenced = false
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#emit({ kind: 'closed' })
    setImmediate(() => this.#deliver())
  }

  end(): void {
    this.#isClosed = true
  }

  /** Turns of the step loop: cancel, prepare, admit, compute, one wake-up of JavaScript each. */
  step(turns = 1): void {
    for (let turn = 0; turn < turns; turn++) {
      if (this.isFrozen || this.#isClosed) return
      this.#sweepCancelled()
      this.#prepare()
      this.#admit()
      this.#compute()
      this.#embed()
      this.#deliver()
    }
  }

  /** The Preparer is done with this request, and not yet with what came after it. */
  accept(id: number): void {
    const sequence = this.#sequences.find(({ request }) => request.id === id)
    if (sequence !== undefined) this.#accept(sequence)
    this.#deliver()
  }

  /** Ends a request with an error, as the queue's deadline or a failed decode does. */
  fail(id: number, failure: FakeFailure): void {
    const sequence = this.#sequences.find(({ request }) => request.id === id)
    if (sequence !== undefined) this.#end(sequence, failure)
    this.embedder.fail(id, failure)
    this.#deliver()
  }

  /** Ends by itself, as when memory runs out: all that is under way fails. */
  die(cause: FakeFailure = { code: 'ERR_OUT_OF_MEMORY', message: 'memory ran out' }): void {
    if (this.#isClosed) return
    this.#emit({ kind: 'ended', ...cause })
    const message = 'the engine ended by itself'
    for (const sequence of [...this.#sequences]) {
      this.#end(sequence, { code: 'ERR_ENGINE_ENDED', message })
    }
    this.close()
    this.#deliver()
  }

  #sweepCancelled(): void {
    for (const sequence of [...this.#sequences]) {
      if (sequence.isCancelled) this.#end(sequence, 'cancelled')
    }
  }

  #prepare(): void {
    for (const sequence of [...this.#sequences]) {
      if (sequence.state !== 'preparing') continue
      const { script } = sequence
      if (script.refuse !== undefined) this.#end(sequence, script.refuse)
      else this.#accept(sequence)
    }
  }

  #accept(sequence: Sequence): void {
    sequence.state = 'queued'
    this.#emit({ kind: 'accepted', id: sequence.request.id, promptTokens: sequence.promptTokens })
  }

  /** A parked sequence keeps its place, as in the engine; the queue waits for a free one. */
  #admit(): void {
    let taken = 0
    for (const sequence of this.#sequences) {
      if (sequence.state === 'parked' && this.#hasRoom(sequence)) sequence.state = 'running'
      if (sequence.state !== 'preparing' && sequence.state !== 'queued') taken++
    }
    for (const sequence of this.#sequences) {
      if (sequence.state !== 'queued' || taken >= this.options.parallel) continue
      sequence.state = 'prefill'
      this.#prompts.promptTokens += sequence.promptTokens
      this.#prompts.cachedTokens += sequence.script.cachedTokens ?? 0
      taken++
    }
  }

  #compute(): void {
    let single = 0
    let prefilled = 0
    for (const sequence of [...this.#sequences]) {
      if (sequence.state === 'prefill') {
        prefilled++
        if (--sequence.prefillLeft <= 0) sequence.state = 'running'
      } else if (sequence.state === 'running') {
        single++
        this.#generate(sequence)
      }
    }
    if (single + prefilled === 0) return
    this.#counters.steps++
    this.#counters.rowsDecoded += single + prefilled
    this.#counters.rowsPrefilled += prefilled
    if (single > 0) this.#counters.decodeSteps++
  }

  #embed(): void {
    const rows = this.embedder.step()
    if (rows === 0) return
    this.#counters.steps++
    this.#counters.rowsDecoded += rows
    this.#counters.rowsPrefilled += rows
  }

  #modelInfo(): NativeModelInfo {
    const context = this.options.context || 2048
    const { cacheBytes: asked } = this.options
    const cacheBytes = asked < 0 ? chosenCacheBytes : asked
    const info = { ...modelInfo, context, cacheBytes, ...this.#model }
    if (this.#embedding === undefined) return info
    const { size, pooling } = this.#embedding
    return { ...info, embedding: { size, pooling } }
  }

  #generate(sequence: Sequence): void {
    const { request, script, tokens } = sequence
    if (labelsOf(request).length > 0) {
      this.#end(sequence, 'length')
      return
    }
    const next = tokens.next()
    if (next.done === true) {
      this.#end(sequence, script.end ?? 'stop')
      return
    }
    sequence.produced++
    this.#tokensGenerated++
    this.produced.set(request.id, sequence.produced)
    this.#emit(tokenEvent(request.id, next.value))
    if (sequence.produced === request.maxTokens) this.#end(sequence, 'length')
    else if (!this.#hasRoom(sequence)) sequence.state = 'parked'
  }

  #hasRoom({ produced, credited }: Sequence): boolean {
    return produced - credited < this.options.window
  }

  #end(
    sequence: Sequence,
    how: 'stop' | 'length' | 'tool_calls' | 'cancelled' | FakeFailure,
  ): void {
    const { request, script, promptTokens, produced: completionTokens } = sequence
    const { id } = request
    const phase = phaseIn[sequence.state]
    this.#sequences.splice(this.#sequences.indexOf(sequence), 1)
    if (typeof how !== 'string') {
      this.#emit({ kind: 'error', id, ...how, phase })
      return
    }
    const parkedMs = script.parkedMs ?? 0
    const times = { queueMs: 0, prefillMs: 0, decodeMs: parkedMs, parkedMs }
    const { draftTokens = 0, draftAcceptedTokens = 0 } = script
    const { length } = labelsOf(request)
    const labels = script.labelLogprobs ?? Array<number>(length).fill(-Math.log(length))
    this.#emit({
      kind: 'finished',
      id,
      finishReason: how,
      phase,
      promptTokens,
      cachedTokens: script.cachedTokens ?? 0,
      ...(script.reasoningTokens === undefined ? {} : { reasoningTokens: script.reasoningTokens }),
      completionTokens,
      ...(length === 0 || how === 'cancelled' ? {} : { labelLogprobs: Float32Array.from(labels) }),
      ...times,
      draftTokens,
      draftAcceptedTokens,
    })
  }

  /** Text that JavaScript has not fetched yet is merged, as the native outbox does. */
  #emit(event: FakeEvent): void {
    if (event.kind === 'text') {
      const last = this.#events.findLast((one) => 'id' in one && one.id === event.id)
      if (last?.kind === 'text') {
        last.text += event.text
        last.tokens += event.tokens
        return
      }
    }
    this.#events.push(event)
  }

  #deliver(): void {
    if (this.#events.length === 0 || this.#isWoken) return
    this.#isWoken = true
    this.#wake()
  }

  #schedule(): void {
    if (!this.#isAuto || this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.step()
      if (this.#canMove()) this.#schedule()
    })
  }

  #canMove(): boolean {
    if (this.isFrozen || this.#isClosed) return false
    if (this.embedder.waiting > 0) return true
    return this.#sequences.some(
      (one) => one.isCancelled || one.state !== 'parked' || this.#hasRoom(one),
    )
  }
}

/** Of an engine that has done nothing. */
export const idleSnapshot: EngineSnapshot = {
  running: 0,
  parked: 0,
  cellsUsed: 0,
  cellsCached: 0,
  cellsTotal: 0,
  cacheBytes: 0,
  cacheEntries: 0,
  diskBytes: 0,
  diskEntries: 0,
  diskReads: 0,
  diskReadBytes: 0,
  diskWrites: 0,
  diskWrittenBytes: 0,
  diskDropped: 0,
  diskErrors: 0,
  stepMs: 0,
  steps: 0,
  beats: 0,
  preparerBeats: 0,
  busy: false,
  rowsDecoded: 0,
  rowsPrefilled: 0,
  decodeSteps: 0,
  tokensGenerated: 0,
  promptTokens: 0,
  cachedTokens: 0,
  draftTokens: 0,
  draftAcceptedTokens: 0,
  planMs: 0,
  computeMs: 0,
  sampleMs: 0,
  textMs: 0,
  wakeMs: 0,
  idleMs: 0,
  preempted: 0,
  moved: 0,
  slots: new Float64Array(),
}

const phaseIn: Record<State, RequestPhase> = {
  preparing: 'queued',
  queued: 'queued',
  prefill: 'prefill',
  running: 'decode',
  parked: 'parked',
}

/** What it takes for kept states where it chooses. */
export const chosenCacheBytes = 5 * 2 ** 20

const modelInfo: Omit<NativeModelInfo, 'cacheBytes'> = {
  name: 'Fake',
  description: 'fake 1M F32',
  parameters: 1_000_000,
  bytes: 4_000_000,
  trainedContext: 2048,
  threads: 1,
  context: 2048,
  vocabulary: 512,
  hasChatTemplate: true,
  callFormat: 'json',
  canInfill: false,
  reasoningEnds: [],
  sampling: {},
  placement: {
    layers: 3,
    gpuLayers: 0,
    devices: [],
    host: { weightsBytes: 4_000_000, kvBytes: 2_000_000, computeBytes: 1_000_000 },
  },
  warnings: [],
}

type TextJob = Extract<
  EngineCommand,
  { kind: 'tokenize' | 'detokenize' | 'pieces' | 'apply-template' | 'tokenize-chat' }
>

/** Some tests ask with little more than a prompt. */
function labelsOf({ labelTokens = [] }: Partial<NativeRequest>): number[] {
  return labelTokens
}

/** A template of its own: `<role>content` for each message. */
function templated({ messages }: NativeChat): string {
  return messages.map(({ role, content }) => `<${role}>${content}`).join('')
}

function tokensOf(text: string): Int32Array {
  return Int32Array.from([...text].map((char) => char.codePointAt(0) ?? 0))
}

function pieceOf(token: number): Uint8Array {
  return new TextEncoder().encode(String.fromCodePoint(token))
}

function tokenEvent(id: number, token: string | FakePart): FakeEvent {
  if (typeof token === 'string') return { kind: 'text', id, text: token, tokens: 1 }
  return { kind: 'part', id, text: '', ...token, tokens: 1 }
}

function wordsOf({ prompt }: NativeRequest): number {
  if (prompt instanceof Int32Array) return prompt.length
  if (typeof prompt === 'string') return wordCount(prompt)
  if ('before' in prompt) return wordCount(`${prompt.before} ${prompt.after}`)
  return wordCount(prompt.messages.map((one) => one.content).join(' '))
}

function wordCount(text: string): number {
  return text.split(/\s+/).filter((word) => word !== '').length
}
