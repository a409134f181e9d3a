import type { LanguageModelV3Content, LanguageModelV3StreamPart } from '@ai-sdk/provider'
import type { ReplyPart, ToolCallDelta } from '../api/types.js'

type StreamPart = LanguageModelV3StreamPart

/** What is open: more of it may come. */
type Block =
  | { readonly kind: 'text' | 'reasoning'; readonly id: string }
  | {
      readonly kind: 'call'
      readonly index: number
      readonly id: string
      readonly name: string
      readonly pieces: string[]
    }

/**
 * Makes a reply's parts the parts of the AI SDK's stream, in their order: a block ends before the
 * next one starts. A call's own part comes once it is whole.
 */
export class ReplyBlocks {
  #open: Block | undefined
  #count = 0

  add({ text, reasoning, toolCalls }: ReplyPart): StreamPart[] {
    if (toolCalls !== undefined) return toolCalls.flatMap((delta) => this.#addCall(delta))
    if (reasoning !== undefined) return this.#addText('reasoning', reasoning)
    return text === '' ? [] : this.#addText('text', text)
  }

  /**
   * Ends what is open.
   * @param isCut whether more would have come: a call that is no JSON yet cannot be run, and has no
   * part of its own
   */
  end(isCut = false): StreamPart[] {
    const block = this.#open
    this.#open = undefined
    if (block === undefined) return []
    if (block.kind !== 'call') return [{ type: `${block.kind}-end`, id: block.id }]
    const { id, name, pieces } = block
    const ended: StreamPart = { type: 'tool-input-end', id }
    const input = pieces.join('')
    if (isCut && !isJson(input)) return [ended]
    return [ended, { type: 'tool-call', toolCallId: id, toolName: name, input: input || '{}' }]
  }

  #addText(kind: 'text' | 'reasoning', delta: string): StreamPart[] {
    const started: StreamPart[] = []
    let block = this.#open
    if (block?.kind !== kind) {
      started.push(...this.end())
      block = { kind, id: `${kind}-${this.#count++}` }
      this.#open = block
      started.push({ type: `${kind}-start`, id: block.id })
    }
    return [...started, { type: `${kind}-delta`, id: block.id, delta }]
  }

  #addCall({ index, id = '', name = '', arguments: delta }: ToolCallDelta): StreamPart[] {
    const started: StreamPart[] = []
    let block = this.#open
    if (block?.kind !== 'call' || block.index !== index) {
      started.push(...this.end())
      block = { kind: 'call', index, id, name, pieces: [] }
      this.#open = block
      started.push({ type: 'tool-input-start', id, toolName: name })
    }
    if (delta === '') return started
    block.pieces.push(delta)
    return [...started, { type: 'tool-input-delta', id: block.id, delta }]
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** The same parts as the content of a reply that is whole. */
export class ReplyContent {
  readonly #blocks = new ReplyBlocks()
  readonly #content: LanguageModelV3Content[] = []
  /** Of the last block, which is text or reasoning. */
  #pieces: string[] = []

  add(part: ReplyPart): void {
    for (const one of this.#blocks.add(part)) this.#take(one)
  }

  end(isCut: boolean): LanguageModelV3Content[] {
    for (const one of this.#blocks.end(isCut)) this.#take(one)
    return this.#content
  }

  #take(part: StreamPart): void {
    switch (part.type) {
      case 'text-delta':
      case 'reasoning-delta':
        this.#pieces.push(part.delta)
        break
      case 'text-end':
        this.#content.push({ type: 'text', text: this.#pieces.join('') })
        this.#pieces = []
        break
      case 'reasoning-end':
        this.#content.push({ type: 'reasoning', text: this.#pieces.join('') })
        this.#pieces = []
        break
      case 'tool-call':
        this.#content.push(part)
    }
  }
}
