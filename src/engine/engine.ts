import type { NativeMessage } from '../binding/native.js'
import {
  parseMessages,
  parsePrompt,
  parseRequestOptions,
  parseTokens,
} from '../config/request-options.js'
import { nativeRequest } from './native-request.js'
import { Reply } from './reply.js'
import type { Session } from './session.js'
import type {
  ChatMessage,
  EngineSettings,
  EngineStats,
  ModelInfo,
  RequestOptions,
  SamplingOptions,
} from './types.js'

/** @internal What load() hands over. */
export interface EngineParts {
  session: Session
  model: ModelInfo
  settings: EngineSettings
  defaults: SamplingOptions
  /** What the GGUF recommends. */
  recommended: SamplingOptions
  closed: Promise<void>
}

/**
 * A loaded model that answers many requests at once. Made by `load()`. Close it when done: an
 * idle engine does not keep the process alive, but its memory is held until then.
 *
 * A reply that nobody reads keeps its place: as many of them as `parallel` stop everybody else.
 * Read it, `cancel()` it, or give it a `signal`.
 */
export class Engine implements AsyncDisposable {
  readonly model: ModelInfo
  readonly settings: EngineSettings
  readonly #parts: EngineParts

  /** @internal */
  constructor(parts: EngineParts) {
    this.model = parts.model
    this.settings = parts.settings
    this.#parts = parts
  }

  /** True from the first call of close() on. */
  get closed(): boolean {
    return this.#parts.session.closed
  }

  /**
   * Answers a conversation, put into words by the model's own chat template. Throws
   * InvalidOptionError for a wrong argument; everything else reaches the reply's reader.
   */
  chat(messages: readonly ChatMessage[], options: RequestOptions = {}): Reply {
    return this.#reply(parseMessages(messages), options)
  }

  /** Continues a prompt as it stands, without a template. Errors as in `chat`. */
  complete(prompt: string, options: RequestOptions = {}): Reply {
    return this.#reply(parsePrompt(prompt), options)
  }

  /**
   * Token ids of a text. `addSpecial` (false) adds what the model wants at the ends, such as BOS;
   * `parseSpecial` (false) reads the names of control tokens in the text as those tokens.
   * Rejects with ERR_INVALID_REQUEST, ERR_OVERLOADED or ERR_CLOSED.
   */
  async tokenize(
    text: string,
    { addSpecial = false, parseSpecial = false } = {},
  ): Promise<Int32Array> {
    return this.#parts.session.tokenize(parsePrompt(text), addSpecial, parseSpecial)
  }

  /** The text of token ids, control tokens by name. Rejects as `tokenize` does, and for no ids. */
  async detokenize(tokens: Int32Array | readonly number[]): Promise<string> {
    return this.#parts.session.detokenize(parseTokens(tokens))
  }

  /** Gauges and counters as of the last step. */
  stats(): EngineStats {
    return this.#parts.session.stats()
  }

  /**
   * Ends what runs (its readers get ERR_CLOSED), stops the threads and frees the memory. A decode
   * under way is abandoned, which takes milliseconds on a CPU; a prompt that is being tokenized is
   * waited for (up to 2 s per MiB). Twice is safe.
   */
  close(): Promise<void> {
    this.#parts.session.close()
    return this.#parts.closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #reply(prompt: string | NativeMessage[], given: RequestOptions): Reply {
    const { session, defaults, recommended } = this.#parts
    const options = parseRequestOptions(given)
    const request = nativeRequest(prompt, options, defaults, recommended)
    const submit = session.submit.bind(session, request)
    return new Reply(session, submit, request.seed, options.signal)
  }
}
