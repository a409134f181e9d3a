import type { ReplyResult, ToolCall } from '../api/types.js'
import type { NativePart } from '../binding/native.js'

/** What a reply's parts come to beside their text: for its result. */
export class PartSum {
  #reasoning = ''
  readonly #calls: ToolCall[] = []

  add({ reasoning, toolCalls }: NativePart): void {
    this.#reasoning += reasoning
    for (const { index, id = '', name = '', arguments: more } of toolCalls) {
      const call = this.#calls[index] ?? { id, name, arguments: '' }
      this.#calls[index] = { ...call, arguments: call.arguments + more }
    }
  }

  /** Left out is what there was nothing of. */
  get result(): Pick<ReplyResult, 'reasoning' | 'toolCalls'> {
    return {
      ...(this.#reasoning === '' ? {} : { reasoning: this.#reasoning }),
      ...(this.#calls.length === 0 ? {} : { toolCalls: this.#calls }),
    }
  }
}
