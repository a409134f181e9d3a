import type {
  EngineEvent,
  NativeEmbeddingRequest,
  NativeTexts,
} from '../../src/binding/engine-port.js'
import type { FakeFailure } from './fake-engine.js'

type FakeInput = NativeEmbeddingRequest['inputs'][number]

export interface FakeEmbedding {
  readonly size: number
  readonly pooling: 'mean' | 'cls' | 'last' | 'rank'
  /** What is wrong with an input, by the Preparer's judgement. Default: nothing. */
  refuse?: (input: FakeInput) => FakeFailure | undefined
  /** It takes requests in, and computes none to its end. Default: false. */
  isStuck?: boolean
}

/** The part of the fake that embeds: all that waits, at the next step. */
export class FakeEmbedder {
  /** Every request that was taken, in order. */
  readonly requests: NativeEmbeddingRequest[] = []
  readonly #kind: FakeEmbedding | undefined
  readonly #emit: (event: Exclude<EngineEvent, NativeTexts>) => void
  #waiting: NativeEmbeddingRequest[] = []

  constructor(
    kind: FakeEmbedding | undefined,
    emit: (event: Exclude<EngineEvent, NativeTexts>) => void,
  ) {
    this.#kind = kind
    this.#emit = emit
  }

  /** Requests that the next step answers. */
  get waiting(): number {
    return this.#kind?.isStuck ? 0 : this.#waiting.length
  }

  take(request: NativeEmbeddingRequest): void {
    this.requests.push(request)
    this.#waiting.push(request)
    if (this.#kind?.isStuck) this.#accept(request)
  }

  cancel(id: number): void {
    if (this.#leaves(id))
      this.#emit({ kind: 'finished', id, finishReason: 'cancelled', ...noTally })
  }

  fail(id: number, failure: FakeFailure): void {
    if (this.#leaves(id)) this.#emit({ kind: 'error', id, ...failure, phase: 'queued' })
  }

  #leaves(id: number): boolean {
    const left = this.#waiting.filter((request) => request.id !== id)
    const isWaiting = left.length < this.#waiting.length
    this.#waiting = left
    return isWaiting
  }

  /** @returns rows that were computed */
  step(): number {
    if (this.#kind?.isStuck) return 0
    return this.#waiting.splice(0).reduce((rows, request) => rows + this.#answer(request), 0)
  }

  #answer({ id, inputs }: NativeEmbeddingRequest): number {
    const failure = this.#failureOf(inputs)
    if (failure !== undefined) {
      this.#emit({ kind: 'error', id, ...failure, phase: 'queued' })
      return 0
    }
    const promptTokens = this.#accept({ id, inputs })
    const vectors = inputs.flatMap((input) => vectorOf(input, this.#kind?.size ?? 0))
    this.#emit({ kind: 'embedded', id, values: Float32Array.from(vectors), promptTokens })
    return promptTokens
  }

  #accept({ id, inputs }: Pick<NativeEmbeddingRequest, 'id' | 'inputs'>): number {
    const promptTokens = inputs.reduce((sum, input) => sum + tokensOf(input).length, 0)
    this.#emit({ kind: 'accepted', id, promptTokens })
    return promptTokens
  }

  #failureOf(inputs: FakeInput[]): FakeFailure | undefined {
    if (this.#kind === undefined) {
      return { code: 'ERR_INVALID_REQUEST', message: 'this engine has no embeddings' }
    }
    for (const [input, one] of inputs.entries()) {
      const failure = this.#kind.refuse?.(one)
      if (failure === undefined) continue
      return inputs.length === 1 ? failure : { ...failure, input }
    }
    return undefined
  }
}

/** Of a request that came to nothing. */
const noTally = {
  phase: 'queued',
  promptTokens: 0,
  cachedTokens: 0,
  completionTokens: 0,
  queueMs: 0,
  prefillMs: 0,
  decodeMs: 0,
  parkedMs: 0,
  draftTokens: 0,
  draftAcceptedTokens: 0,
} as const

/** A token a word. */
function tokensOf(input: FakeInput): ArrayLike<unknown> {
  if (isPair(input)) return `${input.query} ${input.document}`.split(/\s+/)
  return typeof input === 'string' ? input.split(/\s+/) : input
}

function isPair(input: FakeInput): input is { query: string; document: string } {
  return typeof input === 'object' && 'query' in input
}

/** Of length 1; another one for another input. A pair scores its shared characters. */
function vectorOf(input: FakeInput, size: number): number[] {
  if (isPair(input)) return [[...input.document].filter((one) => input.query.includes(one)).length]
  const codes = typeof input === 'string' ? [...Buffer.from(input)] : [...input]
  const raw = Array.from({ length: size }, (_, i) =>
    codes.reduce((sum, code, at) => sum + Math.sin((code + 1) * (i + 1) + at), 0.1),
  )
  const norm = Math.hypot(...raw)
  return raw.map((value) => value / norm)
}
