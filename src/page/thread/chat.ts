import { byId, el } from '../dom.js'
import { type Server, ServerError } from '../server.js'
import type { Settings } from '../settings.js'
import {
  type Conversation,
  messagesOf,
  newReply,
  type ReplyTurn,
  type Turn,
  type UserTurn,
} from './conversation.js'
import { runReply } from './reply-run.js'
import { ReplyView } from './reply-view.js'
import { Scroll } from './scroll.js'
import { editor, UserView } from './user-view.js'

/** What the rest of the page is for a conversation. */
interface Surroundings {
  readonly server: Server
  readonly settings: Settings
  readonly conversation: Conversation
  /** The model that requests ask for. */
  model(): string
  onRunning(isRunning: boolean): void
  /** Resolves once there is another key, with false where none is given. */
  onKeyWanted(): Promise<boolean>
  /** Is shown while there are no messages. */
  readonly welcome: HTMLElement
}

/** The thread of messages, and what is done with them. One reply comes at a time. */
export class Chat {
  readonly #around: Surroundings
  readonly #thread = byId('thread', HTMLElement)
  readonly #told = byId('told', HTMLElement)
  readonly #scroll = new Scroll()
  /** The thread's elements, one of each turn. */
  #elements: HTMLElement[] = []
  #running: AbortController | undefined
  /** Resolves once no reply comes. */
  #ended = Promise.resolve()

  constructor(around: Surroundings) {
    this.#around = around
    this.#showAll()
    addEventListener('pagehide', () => this.#around.conversation.save())
  }

  get isRunning(): boolean {
    return this.#running !== undefined
  }

  send(text: string): void {
    this.#add({ role: 'user', text })
    void this.#reply()
  }

  /** The server stops too, as soon as it sees that nobody reads on. */
  stop(): void {
    this.#running?.abort()
  }

  clear(): void {
    this.stop()
    this.#cutAt(0)
  }

  get #turns(): Turn[] {
    return this.#around.conversation.turns
  }

  #showAll(): void {
    this.#thread.replaceChildren()
    this.#elements = this.#turns.map((turn) => this.#elementOf(turn))
    this.#thread.append(...this.#elements)
    this.#showWelcome()
    this.#scroll.toEnd()
  }

  #showWelcome(): void {
    if (this.#turns.length === 0) this.#thread.append(this.#around.welcome)
    else this.#around.welcome.remove()
  }

  #elementOf(turn: Turn): HTMLElement {
    return turn.role === 'user' ? this.#userElement(turn) : this.#viewOf(turn).element
  }

  #userElement(turn: UserTurn): HTMLElement {
    const { element } = new UserView(turn, () => this.#edit(turn, element))
    return element
  }

  #viewOf(turn: ReplyTurn): ReplyView {
    const view = new ReplyView(turn, {
      regenerate: () => this.#regenerate(turn),
      goOn: () => this.#goOn(turn, view),
      edit: () => this.#edit(turn, view.element),
    })
    return view
  }

  #add(turn: Turn): void {
    this.#turns.push(turn)
    const element = this.#elementOf(turn)
    this.#elements.push(element)
    this.#thread.append(element)
    this.#showWelcome()
    this.#scroll.toEnd()
    this.#around.conversation.save()
  }

  #cutAt(index: number): void {
    for (const element of this.#elements.splice(index)) element.remove()
    this.#around.conversation.cutAt(index)
    this.#showWelcome()
  }

  #regenerate(turn: ReplyTurn): void {
    if (this.isRunning) return
    this.#cutAt(this.#turns.indexOf(turn))
    void this.#reply()
  }

  #goOn(turn: ReplyTurn, view: ReplyView): void {
    if (this.isRunning) return
    this.#cutAt(this.#turns.indexOf(turn) + 1)
    void this.#run(turn, view, true)
  }

  /** A message that is changed is answered anew; what a reply says is only written over. */
  #edit(turn: Turn, element: HTMLElement): void {
    if (this.isRunning || element.querySelector('.editing') !== null) return
    const isUser = turn.role === 'user'
    const words = isUser
      ? { label: 'Your message', save: 'Send again' }
      : { label: "The model's reply", save: 'Save' }
    const content = element.querySelector('.said, .prose')
    const foot = element.querySelector<HTMLElement>('.foot')
    const field = editor(turn.text, words, (text) => {
      if (text !== undefined) turn.text = text
      const fresh = this.#elementOf(turn)
      const index = this.#elements.indexOf(element)
      this.#elements[index] = fresh
      element.replaceWith(fresh)
      this.#around.conversation.save()
      if (text === undefined || !isUser) fresh.querySelector('button')?.focus()
      else void this.#answerAnew(index)
    })
    content?.replaceWith(field)
    if (foot !== null) foot.hidden = true
  }

  /** A reply that still comes, to another message, ends first. */
  async #answerAnew(index: number): Promise<void> {
    this.#cutAt(index + 1)
    this.stop()
    await this.#ended
    await this.#reply()
  }

  async #reply(): Promise<void> {
    const turn = newReply(this.#around.model())
    this.#turns.push(turn)
    const view = this.#viewOf(turn)
    this.#elements.push(view.element)
    this.#thread.append(view.element)
    this.#scroll.toEnd()
    await this.#run(turn, view, false)
  }

  async #run(turn: ReplyTurn, view: ReplyView, goesOn: boolean): Promise<void> {
    if (this.isRunning) return
    const abort = new AbortController()
    this.#running = abort
    let hasEnded: () => void = () => undefined
    this.#ended = new Promise((resolve) => {
      hasEnded = resolve
    })
    this.#around.onRunning(true)
    const frames = new Frames(() => this.#scroll.keepEnd(() => view.update()))
    let wantsKey = false
    try {
      const request = this.#request(turn, goesOn)
      await runReply(this.#around.server, request, turn, abort.signal, {
        onMore: () => frames.request(),
      })
    } catch (error) {
      wantsKey = error instanceof ServerError && error.wantsKey
    } finally {
      frames.stop()
      this.#running = undefined
      hasEnded()
      this.#scroll.keepEnd(() => view.ended())
      this.#around.conversation.save()
      this.#around.onRunning(false)
      this.#tell(turn)
    }
    if (!wantsKey || !(await this.#around.onKeyWanted())) return
    if (goesOn) await this.#run(turn, view, true)
    else this.#regenerate(turn)
  }

  #request(turn: ReplyTurn, goesOn: boolean): object {
    const { settings } = this.#around
    const turns = goesOn ? this.#turns.slice(0, this.#turns.indexOf(turn) + 1) : this.#turns
    return {
      model: this.#around.model(),
      messages: messagesOf(turns, settings.system),
      stream: true,
      stream_options: { include_usage: true },
      ...settings.request(),
      ...(goesOn ? { continue_final_message: true } : {}),
    }
  }

  /** Read out once a reply is there: a word at a time would be no use to anyone. */
  #tell({ text, end, error, model }: ReplyTurn): void {
    const failed = error ?? (end === 'broken' ? 'The connection broke off.' : '')
    this.#told.replaceChildren(el('p', { text: failed === '' ? `${model}: ${text}` : failed }))
  }
}

/** Calls at most once a frame, and less often where a call takes long. */
class Frames {
  readonly #draw: () => void
  #frame = 0
  #notBefore = 0

  constructor(draw: () => void) {
    this.#draw = draw
  }

  request(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame((now) => this.#run(now))
  }

  stop(): void {
    cancelAnimationFrame(this.#frame)
  }

  #run(now: number): void {
    this.#frame = 0
    if (now < this.#notBefore) {
      this.request()
      return
    }
    const start = performance.now()
    this.#draw()
    const took = performance.now() - start
    this.#notBefore = now + 4 * took
  }
}
