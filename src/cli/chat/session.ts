import {
  CancelledError,
  ClosedError,
  ContextLengthError,
  EngineEndedError,
  InvalidOptionError,
  SluiceError,
} from '../../api/errors.js'
import type { Engine } from '../../engine/engine.js'
import type { Reply } from '../../engine/reply.js'
import type { Colours } from '../colours.js'
import { whatCut } from '../run/ending.js'
import { act, type Chat, type Outcome } from './commands.js'
import { Conversation } from './conversation.js'
import type { InputHistory } from './history.js'
import type { TerminalInput } from './keys.js'
import { Prompt, type TerminalOutput } from './prompt.js'
import { Screen } from './screen.js'
import type { ChatSettings } from './settings.js'
import { summaryOf } from './summary.js'
import { Totals } from './totals.js'

interface SessionOptions {
  readonly engine: Pick<Engine, 'chat' | 'model' | 'settings'>
  readonly settings: ChatSettings
  readonly system: string | undefined
  readonly history: InputHistory | undefined
  readonly input: TerminalInput
  readonly output: TerminalOutput
  readonly style: Colours
  readonly isDumb: boolean
  /** Ends it, and the reply under way. */
  readonly signal: AbortSignal
}

/** A conversation on a terminal, from the first prompt until the user leaves. */
export class ChatSession {
  readonly #options: SessionOptions
  readonly #chat: Chat
  readonly #conversation: Conversation
  readonly #screen: Screen
  #reply: Reply | undefined
  #isStopping = false
  #isLeaving = false
  #hasToldOfFit = false

  constructor(options: SessionOptions) {
    const { engine, settings, output, style, signal, system } = options
    this.#options = options
    this.#screen = new Screen(output, style, signal)
    this.#conversation = new Conversation(system)
    this.#chat = {
      conversation: this.#conversation,
      settings,
      screen: this.#screen,
      totals: new Totals(),
      model: engine.model,
      engineSettings: engine.settings,
    }
  }

  /**
   * Returns once the user has left.
   * @throws CancelledError where `signal` ended it, and what ends an engine
   */
  async run(): Promise<void> {
    const { engine, signal, input, output, history, isDumb } = this.#options
    const { id } = engine.model
    await this.#screen.note(
      `${id}, a context of ${engine.settings.context} tokens. /help lists commands.`,
    )
    const onStop = () => this.#stop()
    const prompt = new Prompt({ input, output, history, isDumb, onStop })
    const end = () => prompt.ended()
    signal.addEventListener('abort', end)
    try {
      while (!this.#isLeaving) {
        const entry = await prompt.read()
        if (signal.aborted) throw new CancelledError('the chat was ended')
        if (entry === undefined) return
        await (entry.isCommand ? this.#command(entry.text) : this.#answer(entry.text))
      }
    } finally {
      signal.removeEventListener('abort', end)
      prompt.close()
    }
  }

  /** The first time stops the reply; again, it leaves. */
  #stop(): void {
    if (this.#isStopping) this.#isLeaving = true
    this.#isStopping = true
    this.#reply?.cancel()
  }

  async #command(line: string): Promise<void> {
    const outcome = await this.#outcomeOf(line)
    if (outcome === 'quit') this.#isLeaving = true
    else if (outcome !== undefined) await this.#answer(outcome.say)
  }

  async #outcomeOf(line: string): Promise<Outcome> {
    try {
      return await act(this.#chat, line)
    } catch (error) {
      if (!(error instanceof InvalidOptionError)) throw error
      await this.#screen.warn(error.message)
      return undefined
    }
  }

  async #answer(text: string): Promise<void> {
    this.#isStopping = false
    this.#conversation.add({ role: 'user', content: text })
    try {
      await this.#read(this.#ask())
    } catch (error) {
      await this.#fail(error)
    } finally {
      this.#reply = undefined
    }
  }

  #ask(): Reply {
    const { engine, signal } = this.#options
    const { settings } = this.#chat
    const options = { ...settings.options, fit: true, signal }
    this.#reply = engine.chat(this.#conversation.messages, options)
    return this.#reply
  }

  /** Prints the reply and keeps what was printed, also where it was stopped. */
  async #read(reply: Reply): Promise<void> {
    const said = { content: '', reasoning: '' }
    try {
      for await (const part of reply) {
        said.content += part.text
        said.reasoning += part.reasoning ?? ''
        await this.#screen.part(part)
      }
    } finally {
      await this.#screen.endReply()
    }
    const result = await reply.done
    this.#chat.totals.add(result)
    await this.#screen.note(summaryOf(result))
    const { content, reasoning } = said
    if (content === '' && reasoning === '' && result.finishReason === 'cancelled') {
      this.#conversation.undo()
      await this.#screen.note('nothing was said yet, so your message is taken back')
      return
    }
    this.#conversation.add({
      role: 'assistant',
      content,
      ...(reasoning === '' ? {} : { reasoning }),
    })
    await this.#tellOfFit(result.dropped?.length ?? 0)
    const { model, settings } = this.#options.engine
    const { maxTokens } = this.#chat.settings
    const cut = whatCut(result, { context: settings.context, maxTokens, model })
    if (cut !== undefined) await this.#screen.warn(cut)
  }

  /** Once: from then on each reply's own line says how many there are. */
  async #tellOfFit(dropped: number): Promise<void> {
    if (dropped === 0 || this.#hasToldOfFit) return
    this.#hasToldOfFit = true
    const { context } = this.#options.engine.settings
    await this.#screen.warn(
      `the conversation has outgrown the context of ${context} tokens: the model no longer sees ` +
        'its oldest messages (/clear begins anew, --context gives more room)',
    )
  }

  /** An error that is the message's, and not the end. */
  async #fail(error: unknown): Promise<void> {
    const isEnd = error instanceof ClosedError || error instanceof EngineEndedError
    if (isEnd || !(error instanceof SluiceError) || this.#options.signal.aborted) throw error
    this.#conversation.undo()
    await this.#screen.warn(`${wordsOf(error)}; your message is taken back`)
  }
}

function wordsOf(error: SluiceError): string {
  if (!(error instanceof ContextLengthError)) return `${error.message} (${error.code})`
  const { promptTokens, contextTokens } = error
  return (
    `too long: with the system prompt it has ${promptTokens} tokens or more, and a context of ` +
    `${contextTokens} has to hold the reply too; send less, shorten /system, or begin with a ` +
    'larger --context'
  )
}
