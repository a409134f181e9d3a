import type { ReplyPart, ReplyResult, ToolCallDelta, Usage } from '../../../api/types.js'
import { isRecord } from '../../../options/other-words/tool-choice.js'
import type { HttpError } from '../../../web/errors.js'
import { jsonIn } from '../../../web/json.js'
import { oneLine } from '../../one-line.js'
import { sealed } from '../../sealed-text.js'
import { errorFrame } from '../errors.js'

type Kind = 'text' | 'thinking' | 'tool_use'

/** What is known of a message before the first part of it. */
interface MessageHead {
  readonly id: string
  /** The name that the request asked for. */
  readonly model: string
  readonly promptTokens: number
  /** The text of the thinking is left out, and its signature carries it. */
  readonly isHidden: boolean
  readonly requestId: string
}

/**
 * Writes a message as events. Its blocks follow each other: one is stopped before the next is
 * started, as clients take the last one for the one that is meant.
 */
export class MessageFrames {
  readonly #head: MessageHead
  #index = -1
  #open: Kind | undefined
  /** Which of the reply's calls is open. */
  #call = -1
  /** Of the block of text, up to its text: it is written for each token. */
  #textOpening = ''
  /** Thinking of the open block that is not shown. */
  #hidden: string[] = []

  constructor(head: MessageHead) {
    this.#head = head
  }

  readonly ping = pingFrame

  opening(): string {
    const { promptTokens: input_tokens } = this.#head
    const usage = { ...noUsage, input_tokens, output_tokens: 0 }
    return frame('message_start', { message: messageOf(this.#head, [], notStopped, usage) })
  }

  part({ text, reasoning, toolCalls }: ReplyPart): string {
    if (toolCalls !== undefined) return toolCalls.map((delta) => this.#tool(delta)).join('')
    if (reasoning !== undefined) return this.#thinking(reasoning)
    return text === '' ? '' : this.#text(text)
  }

  /** The end of the last block and of the message: for one write. */
  ending(result: ReplyResult): string {
    const { cache_creation, inference_geo, service_tier, speed, ...usage } = usageOf(result.usage)
    const delta = { container: null, ...stopOf(result) }
    return this.#stop() + frame('message_delta', { delta, usage }) + frame('message_stop')
  }

  failure(error: HttpError): string {
    return errorFrame(error, this.#head.requestId)
  }

  #text(text: string): string {
    let started = ''
    if (this.#open !== 'text') {
      started = this.#start('text', { type: 'text', text: '' })
      this.#textOpening = textOpening(this.#index)
    }
    return `${started}${this.#textOpening}${oneLine(text)}}}\n\n`
  }

  #thinking(thinking: string): string {
    const block = { type: 'thinking', thinking: '', signature: '' }
    const started = this.#open === 'thinking' ? '' : this.#start('thinking', block)
    if (!this.#head.isHidden) {
      return started + this.#delta({ type: 'thinking_delta', thinking })
    }
    this.#hidden.push(thinking)
    return started
  }

  #tool({ index, id = '', name = '', arguments: json }: ToolCallDelta): string {
    let started = ''
    if (this.#open !== 'tool_use' || index !== this.#call) {
      started = this.#start('tool_use', toolBlock(id, name, {}))
      this.#call = index
    }
    if (json === '') return started
    return started + this.#delta({ type: 'input_json_delta', partial_json: json })
  }

  #start(kind: Kind, content_block: object): string {
    const stopped = this.#stop()
    this.#open = kind
    const index = ++this.#index
    return stopped + frame('content_block_start', { index, content_block })
  }

  #delta(delta: object): string {
    return frame('content_block_delta', { index: this.#index, delta })
  }

  #stop(): string {
    if (this.#open === undefined) return ''
    const signature = sealed(this.#hidden.join(''))
    const signed =
      this.#open === 'thinking' ? this.#delta({ type: 'signature_delta', signature }) : ''
    this.#hidden = []
    this.#open = undefined
    return signed + frame('content_block_stop', { index: this.#index })
  }
}

/** Any event may come before or behind it. */
export function pingFrame(): string {
  return frame('ping')
}

/** The event's name stands in front of it and in it; clients go by either. */
function frame(type: string, fields: object = {}): string {
  return `event: ${type}\ndata: ${oneLine({ type, ...fields })}\n\n`
}

/** The same for a piece of text, up to the text. */
function textOpening(index: number): string {
  const type = 'content_block_delta'
  const head = JSON.stringify({ type, index }).slice(0, -1)
  return `event: ${type}\ndata: ${head},"delta":{"type":"text_delta","text":`
}

/** A block of a message that is not streamed, while it grows. */
type Block =
  | { readonly kind: 'text' | 'thinking'; text: string }
  | { readonly kind: 'tool_use'; readonly call: number; id: string; name: string; text: string }

/** Collects a message that is not streamed: its blocks, in the order in which they came. */
export class MessageBody {
  readonly #head: MessageHead
  readonly #blocks: Block[] = []

  constructor(head: MessageHead) {
    this.#head = head
  }

  add({ text, reasoning, toolCalls }: ReplyPart): void {
    if (toolCalls !== undefined) for (const delta of toolCalls) this.#addTool(delta)
    else if (reasoning !== undefined) this.#add('thinking', reasoning)
    else if (text !== '') this.#add('text', text)
  }

  body([result]: readonly [ReplyResult]) {
    const content = this.#blocks.map((block) => this.#contentOf(block))
    return messageOf(this.#head, content, stopOf(result), usageOf(result.usage))
  }

  #add(kind: 'text' | 'thinking', text: string): void {
    const last = this.#blocks.at(-1)
    if (last?.kind === kind) last.text += text
    else this.#blocks.push({ kind, text })
  }

  #addTool({ index, id = '', name = '', arguments: json }: ToolCallDelta): void {
    const last = this.#blocks.at(-1)
    if (last?.kind === 'tool_use' && last.call === index) last.text += json
    else this.#blocks.push({ kind: 'tool_use', call: index, id, name, text: json })
  }

  #contentOf(block: Block) {
    if (block.kind === 'text') return { type: 'text', text: block.text }
    if (block.kind === 'tool_use') return toolBlock(block.id, block.name, inputOf(block.text))
    const { isHidden } = this.#head
    const thinking = isHidden ? '' : block.text
    return { type: 'thinking', thinking, signature: sealed(isHidden ? block.text : '') }
  }
}

function toolBlock(id: string, name: string, input: object) {
  return { type: 'tool_use', id, name, input, caller: { type: 'direct' } }
}

/** A call that was cut has no arguments that could be run. */
function inputOf(json: string): object {
  const input = jsonIn(json)
  return isRecord(input) ? input : {}
}

interface Stop {
  readonly stop_reason: string | null
  readonly stop_sequence: string | null
  readonly stop_details: null
}

const notStopped: Stop = { stop_reason: null, stop_sequence: null, stop_details: null }

/** A cancelled reply never gets this far: its client has left. */
function stopOf({ finishReason, limit, stopString }: ReplyResult): Stop {
  const stop = (stop_reason: string, stop_sequence: string | null = null) => {
    return { stop_reason, stop_sequence, stop_details: null }
  }
  switch (finishReason) {
    case 'tool_calls':
      return stop('tool_use')
    case 'length':
      return stop(limit === 'context' ? 'model_context_window_exceeded' : 'max_tokens')
    case 'stop':
      return stopString === undefined ? stop('end_turn') : stop('stop_sequence', stopString)
    case 'cancelled':
      throw new Error('a cancelled reply has no stop_reason on the wire')
  }
}

/** What Anthropic counts beside tokens, and is not there. */
const noUsage = {
  cache_creation: null,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  inference_geo: null,
  output_tokens_details: null,
  server_tool_use: null,
  service_tier: null,
  speed: null,
}

/** Anthropic's input_tokens are without those that came from the cache. */
function usageOf({ promptTokens, cachedTokens, completionTokens, reasoningTokens }: Usage) {
  const details = reasoningTokens === undefined ? null : { thinking_tokens: reasoningTokens }
  return {
    ...noUsage,
    input_tokens: promptTokens - cachedTokens,
    cache_read_input_tokens: cachedTokens,
    output_tokens: completionTokens,
    output_tokens_details: details,
  }
}

function messageOf({ id, model }: MessageHead, content: object[], stop: Stop, usage: object) {
  const head = { id, type: 'message', role: 'assistant', model, content, ...stop }
  return { ...head, container: null, diagnostics: null, usage }
}
