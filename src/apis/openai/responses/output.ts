import type { ReplyPart, TokenLogprobs, ToolCallDelta } from '../../../api/types.js'
import {
  nativeLogprobs,
  PackedLogprobs,
  tokenLogprobs,
} from '../../../engine/reply/token-logprobs.js'
import { sealed } from '../../sealed-text.js'
import { wireLogprob } from '../envelope.js'
import { CustomInput } from './custom-input.js'
import { newId } from './ids.js'
import type { ToolIdentity, ToolNames } from './tool-names.js'

/** What a reply has put out, item by item; see OpenAI's ResponseOutputItem. */
export type OutputItem = MessageItem | ReasoningItem | FunctionCallItem | CustomCallItem

type Status = 'in_progress' | 'completed' | 'incomplete'

interface MessageItem {
  readonly type: 'message'
  readonly id: string
  readonly role: 'assistant'
  readonly status: Status
  readonly content: readonly TextPart[]
}

interface TextPart {
  readonly type: 'output_text'
  readonly text: string
  readonly annotations: readonly []
  readonly logprobs: readonly WireLogprob[]
}

interface ReasoningItem {
  readonly type: 'reasoning'
  readonly id: string
  readonly summary: readonly { readonly type: 'summary_text'; readonly text: string }[]
  readonly content?: readonly { readonly type: 'reasoning_text'; readonly text: string }[]
  readonly encrypted_content?: string
  readonly status: Status
}

interface FunctionCallItem {
  readonly type: 'function_call'
  readonly id: string
  readonly call_id: string
  readonly name: string
  readonly namespace?: string
  readonly arguments: string
  readonly status: Status
}

/** Its declaration has no status. */
interface CustomCallItem {
  readonly type: 'custom_tool_call'
  readonly id: string
  readonly call_id: string
  readonly name: string
  readonly namespace?: string
  readonly input: string
}

interface WireLogprob {
  readonly token: string
  readonly logprob: number
  readonly bytes: readonly number[]
  readonly top_logprobs: readonly Omit<WireLogprob, 'top_logprobs'>[]
}

/** Hears of every step of an output. */
export interface Hear {
  event(type: string, fields: object): void
  /**
   * Of an item's deltas, which are all of one type: what does not change is said once.
   * @param rest fields behind the delta
   */
  deltas(type: string, fields: object, rest?: object): (delta: string) => void
}

/** For an output that nobody follows. */
export const unheard: Hear = { event: () => undefined, deltas: () => () => undefined }

export interface OutputOptions {
  readonly names: ToolNames
  /** Reasoning is told as its own summary, as clients ask for it that show nothing else. */
  readonly asSummary: boolean
}

/** Makes a reply's parts items, one after the other, and tells each step. Owned by its writer. */
export class Output {
  readonly #options: OutputOptions
  readonly #hear: Hear
  readonly #done: OutputItem[] = []
  #open: OpenItem | undefined

  constructor(options: OutputOptions, hear: Hear) {
    this.#options = options
    this.#hear = hear
  }

  /** The items that are done. */
  get items(): readonly OutputItem[] {
    return this.#done
  }

  add({ text, logprobs, reasoning, toolCalls }: ReplyPart): void {
    if (toolCalls !== undefined) {
      for (const delta of toolCalls) this.#call(delta)
    } else if (reasoning !== undefined) {
      this.#reasoning(reasoning)
    } else if (text !== '' || logprobs !== undefined) {
      this.#text(text, logprobs)
    }
  }

  /** @param isCut whether the reply came up against a limit, in the middle of its last item */
  end(isCut: boolean): void {
    const calls = this.#open instanceof OpenCall || this.#done.some(({ type }) => isCall(type))
    const isSaid =
      this.#open instanceof OpenText || this.#done.some((one) => one.type === 'message')
    if (!isCut && !calls && !isSaid) this.#text('', undefined) // a reply without a word
    this.#close(isCut ? 'incomplete' : 'completed')
  }

  #text(text: string, logprobs: readonly TokenLogprobs[] | undefined): void {
    const open = this.#open instanceof OpenText ? this.#open : this.#begin(OpenText, newId('msg'))
    open.add(text, logprobs)
  }

  #reasoning(text: string): void {
    const open =
      this.#open instanceof OpenReasoning
        ? this.#open
        : this.#begin(OpenReasoning, newId('rs'), this.#options.asSummary)
    open.add(text)
  }

  #call({ index, id, name, arguments: json }: ToolCallDelta): void {
    const open = this.#open
    if (open instanceof OpenCall && open.index === index) {
      open.add(json)
      return
    }
    const identity = this.#options.names.identityOf(name ?? '')
    const call = { index, callId: id ?? newId('item'), ...identity }
    const itemId = newId(identity.kind === 'custom' ? 'ctc' : 'fc')
    this.#begin(OpenCall, itemId, call).add(json)
  }

  #begin<Item extends OpenItem, More extends unknown[]>(
    kind: new (at: Place, hear: Hear, ...more: More) => Item,
    id: string,
    ...more: More
  ): Item {
    this.#close('completed')
    const open = new kind({ item_id: id, output_index: this.#done.length }, this.#hear, ...more)
    this.#open = open
    return open
  }

  #close(status: Status): void {
    if (this.#open === undefined) return
    this.#done.push(this.#open.end(status))
    this.#open = undefined
  }
}

function isCall(type: OutputItem['type']): boolean {
  return type === 'function_call' || type === 'custom_tool_call'
}

/** Of an item, in its events. */
interface Place {
  readonly item_id: string
  readonly output_index: number
}

/** An item that goes on. */
interface OpenItem {
  /** Tells its end. @returns the item as it is then */
  end(status: Status): OutputItem
}

class OpenText implements OpenItem {
  readonly #at: Place & { readonly content_index: 0 }
  readonly #hear: Hear
  /** Of all its tokens, as its end tells of them again. */
  readonly #logprobs = new PackedLogprobs()
  readonly #delta: (text: string) => void
  #text = ''

  constructor(at: Place, hear: Hear) {
    this.#at = { ...at, content_index: 0 }
    this.#hear = hear
    this.#delta = hear.deltas('response.output_text.delta', this.#at, { logprobs: [] })
    const { output_index } = at
    hear.event('response.output_item.added', { output_index, item: this.#item('in_progress', []) })
    hear.event('response.content_part.added', { ...this.#at, part: this.#part() })
  }

  add(text: string, entries: readonly TokenLogprobs[] = []): void {
    if (text === '' && entries.length === 0) return
    this.#text += text
    if (entries.length === 0) {
      this.#delta(text)
      return
    }
    this.#logprobs.add(entries.map(nativeLogprobs))
    const logprobs = entries.map(toldWhole).map(withoutBytes)
    this.#hear.event('response.output_text.delta', { ...this.#at, delta: text, logprobs })
  }

  end(status: Status): MessageItem {
    const whole = this.#logprobs.unpacked().map((entry) => toldWhole(tokenLogprobs(entry)))
    const part = this.#part(whole)
    const item = this.#item(status, [part])
    const { output_index } = this.#at
    const logprobs = whole.map(withoutBytes)
    this.#hear.event('response.output_text.done', { ...this.#at, text: this.#text, logprobs })
    this.#hear.event('response.content_part.done', { ...this.#at, part })
    this.#hear.event('response.output_item.done', { output_index, item })
    return item
  }

  #item(status: Status, content: readonly TextPart[]): MessageItem {
    return { type: 'message', id: this.#at.item_id, role: 'assistant', status, content }
  }

  #part(logprobs: readonly WireLogprob[] = []): TextPart {
    return { type: 'output_text', text: this.#text, annotations: [], logprobs }
  }
}

class OpenReasoning implements OpenItem {
  readonly #at: Place
  readonly #hear: Hear
  readonly #asSummary: boolean
  readonly #delta: (text: string) => void
  #text = ''

  constructor(at: Place, hear: Hear, asSummary: boolean) {
    this.#at = at
    this.#hear = hear
    this.#asSummary = asSummary
    const step = asSummary ? 'reasoning_summary_text.delta' : 'reasoning_text.delta'
    this.#delta = hear.deltas(`response.${step}`, this.#place)
    const item: ReasoningItem = {
      type: 'reasoning',
      id: at.item_id,
      summary: [],
      status: 'in_progress',
    }
    hear.event('response.output_item.added', { output_index: at.output_index, item })
    if (asSummary) this.#say('reasoning_summary_part.added', { part: this.#summary() })
    else this.#say('content_part.added', { part: this.#content() })
  }

  add(text: string): void {
    this.#text += text
    this.#delta(text)
  }

  end(status: Status): ReasoningItem {
    const asSummary = this.#asSummary
    const text = this.#text
    if (asSummary) {
      const cut = status === 'incomplete' ? { status } : {}
      this.#say('reasoning_summary_text.done', { text })
      this.#say('reasoning_summary_part.done', { part: this.#summary(), ...cut })
    } else {
      this.#say('reasoning_text.done', { text })
      this.#say('content_part.done', { part: this.#content() })
    }
    const { item_id, output_index } = this.#at
    const item: ReasoningItem = {
      type: 'reasoning',
      id: item_id,
      summary: asSummary ? [this.#summary()] : [],
      ...(asSummary ? {} : { content: [this.#content()] }),
      encrypted_content: sealed(text),
      status,
    }
    this.#hear.event('response.output_item.done', { output_index, item })
    return item
  }

  #say(step: string, fields: object): void {
    this.#hear.event(`response.${step}`, { ...this.#place, ...fields })
  }

  /** Of its one part. */
  get #place() {
    const index = this.#asSummary ? { summary_index: 0 } : { content_index: 0 }
    return { ...this.#at, ...index }
  }

  #summary() {
    return { type: 'summary_text' as const, text: this.#text }
  }

  #content() {
    return { type: 'reasoning_text' as const, text: this.#text }
  }
}

interface Call extends ToolIdentity {
  /** Which of the reply's calls. */
  readonly index: number
  readonly callId: string
}

class OpenCall implements OpenItem {
  readonly index: number
  readonly #at: Place
  readonly #hear: Hear
  readonly #call: Call
  /** Of a custom tool: its arguments are one text. */
  readonly #input: CustomInput | undefined
  readonly #delta: (text: string) => void
  #json = ''

  constructor(at: Place, hear: Hear, call: Call) {
    this.index = call.index
    this.#at = at
    this.#hear = hear
    this.#call = call
    if (call.kind === 'custom') this.#input = new CustomInput()
    const step = this.#input === undefined ? 'function_call_arguments' : 'custom_tool_call_input'
    this.#delta = hear.deltas(`response.${step}.delta`, at)
    const { output_index } = at
    hear.event('response.output_item.added', { output_index, item: this.#item('in_progress') })
  }

  add(json: string): void {
    if (json === '') return
    if (this.#input !== undefined) {
      this.#inputDelta(this.#input.add(json))
      return
    }
    this.#json += json
    this.#delta(json)
  }

  end(status: Status): FunctionCallItem | CustomCallItem {
    if (this.#input === undefined) {
      const { name } = this.#call
      const fields = { ...this.#at, name, arguments: this.#json }
      this.#hear.event('response.function_call_arguments.done', fields)
    } else {
      this.#inputDelta(this.#input.end())
      const fields = { ...this.#at, input: this.#input.text }
      this.#hear.event('response.custom_tool_call_input.done', fields)
    }
    const item = this.#item(status)
    this.#hear.event('response.output_item.done', { output_index: this.#at.output_index, item })
    return item
  }

  #inputDelta(delta: string): void {
    if (delta !== '') this.#delta(delta)
  }

  #item(status: Status): FunctionCallItem | CustomCallItem {
    const { callId: call_id, name, namespace } = this.#call
    const named = { id: this.#at.item_id, call_id, name, ...(namespace ? { namespace } : {}) }
    return this.#input === undefined
      ? { type: 'function_call', ...named, arguments: this.#json, status }
      : { type: 'custom_tool_call', ...named, input: this.#input.text }
  }
}

function toldWhole({ token, logprob, bytes, top }: TokenLogprobs): WireLogprob {
  const entry = (one: Pick<TokenLogprobs, 'token' | 'logprob' | 'bytes'>) => ({
    token: one.token,
    logprob: wireLogprob(one.logprob),
    bytes: Array.from(one.bytes),
  })
  return { ...entry({ token, logprob, bytes }), top_logprobs: top.map(entry) }
}

/** As events have them, whose declarations know no bytes. */
function withoutBytes({ token, logprob, top_logprobs: top }: WireLogprob) {
  const others = top.map((one) => ({ token: one.token, logprob: one.logprob }))
  return { token, logprob, top_logprobs: others }
}
