import type { ModelHost, Need } from '../host/model-host.js'
import type { Answer, AnswerHeaders } from '../web/answer.js'
import type { Call, CallHeaders } from '../web/call.js'
import type { EarlyStream } from '../web/early.js'
import type { ErrorWords, HttpError } from '../web/errors.js'
import type { ScopedEngine } from '../web/scoped-engine.js'

/**
 * A protocol that clients speak: where its endpoints are, where its key stands, and how it tells
 * an error. Each is a folder beside this file, and a name in src/http/apis.ts.
 */
export interface Api {
  readonly routes: readonly Route[]
  /** Whether a request says that it speaks this one, where others have the same path. */
  readonly isSpokenBy?: (headers: CallHeaders) => boolean
  /** The header beside x-request-id by which its clients know a request's id. */
  readonly requestIdHeader?: string
  /** The key that a request brings; undefined where it brings none, or what cannot be one. */
  keyOf(headers: CallHeaders): string | undefined
  /** Names of the headers that may bring it, which pages of allowed origins may send. */
  readonly keyHeaders: readonly string[]
  /** The header that a request without a key is told to send. */
  readonly keyExample: string
  /** Headers by which its clients know what their key has left. Default: none. */
  readonly limitHeaders?: (state: KeyState) => AnswerHeaders
  /** How a request is told what is wrong before its handler knows what it calls things. */
  readonly errorWords: ErrorWords
}

/** What a key has left of its limits. Without a limit there is nothing to tell. */
export interface KeyState {
  /** Requests that may be under way at once. */
  readonly requests: KeyQuota | undefined
  /** Tokens of a minute; a debt is below 0. `resetMs` is until all are back. */
  readonly tokens: (KeyQuota & { readonly resetMs: number }) | undefined
  /** What the request is told that is beyond them. */
  readonly refusal: HttpError | undefined
}

interface KeyQuota {
  readonly limit: number
  readonly left: number
  /** Milliseconds until it makes sense to ask again, where nothing is left. */
  readonly retryMs: number
}

/** @typeParam Server what its handler asks of the server */
export interface Route<Server = Service> {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** A path; {id} in it takes the rest of the path, or what stands before what follows, decoded. */
  readonly pattern: string
  /** Answers the call, or throws what its client is told. `id` is what {id} stands for. */
  readonly handle: (server: Server, call: Call, id: string) => Answer | Promise<Answer>
}

/** What the handlers of a protocol may ask of the server that they answer for. */
export interface Service {
  readonly settings: {
    /** Tokens of a reply whose request sets no limit; without it, as many as there is room for. */
    readonly maxTokens?: number
    readonly engineStallMs: number
    /** Whether requests may say which models there are. */
    readonly allowPull: boolean
    /** What a request may have at most, which holds for what it refers to as well. */
    readonly bodyBytesMax: number
  }
  /** Bounds the text that waits for the tokenizer: see TextBudget. */
  readonly texts: { run<T>(bytes: number, job: () => Promise<T>): Promise<T> }
  /** Bounds the memory of what requests say or refer to, until a signal: see BodyBudget. */
  readonly bodies: { open(signal: AbortSignal): { grow(bytes: number): void } }
  /** Finished responses that later requests may name; undefined where the server keeps none. */
  readonly responses: ResponseStore | undefined
  /** The models there are. */
  readonly host: Omit<ModelHost, 'ready' | 'check' | 'lease' | 'close'>
  /** The adapters of requests that ask for none, by the model's own name. */
  readonly adapters: {
    of(model: string): Readonly<Record<string, number>> | undefined
    set(model: string, scales: Readonly<Record<string, number>>): void
  }
  /** Throws the 503 that every request gets: before its body is read, which may take long. */
  checkServing(): void
  /**
   * The model of a name, until the call ends. Rejects with what the client is told.
   * @param early where the answer is a stream: it begins before the model is there where that is
   *   loaded for long
   */
  lease(call: Call, name: string | undefined, need: Need, early?: EarlyStream): Promise<ModelInUse>
}

/** Responses by their ids. What is of one owner is there for no other. */
export interface ResponseStore {
  /**
   * @param input the items that it was asked with
   * @param previous the one that it follows
   */
  put(owner: string, response: MadeResponse, input: KeptInput, previous?: KeptResponse): void
  get(owner: string, id: string): KeptResponse | undefined
  /**
   * Nothing of it can be asked for or referred to any more. Only the conversations of responses
   * that followed it keep what they were made from.
   * @returns whether there was one
   */
  delete(owner: string, id: string): boolean
  /**
   * Items of any responses, of their input or output, as far as there are any. Undefined where more
   * than `bytesMax` would have to be read for them.
   */
  items(owner: string, ids: ReadonlySet<string>, bytesMax: number): FoundItems | undefined
}

/** A response as it is sent, with what it put out. */
export interface MadeResponse {
  readonly id: string
  readonly output: readonly { readonly id: string }[]
}

/** The items that a response was asked with. */
export interface KeptInput {
  /** All of them, each with an id. */
  readonly json: string
  readonly ids: readonly string[]
}

export interface FoundItems {
  readonly items: ReadonlyMap<string, unknown>
  /** What was read for them, as JSON. */
  readonly bytes: number
}

export interface KeptResponse {
  /** The response, as JSON. */
  readonly body: Uint8Array
  /** Bytes of its conversation, as JSON. */
  readonly conversationBytes: number
  /** All items that it was made from, those of the responses before it too. */
  input(): unknown[]
  /** The same and what it put out. */
  conversation(): unknown[]
}

export interface ModelInUse {
  /** What its reply calls it: the name that was asked for, where it is one of the model's. */
  readonly name: string
  /** The model's own name. */
  readonly base: string
  readonly fingerprint: string
  readonly engine: ScopedEngine
}
