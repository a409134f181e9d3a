import type {
  ReplyPart,
  ReplyResult,
  TokenLogprob,
  TokenLogprobs,
  ToolCallDelta,
} from '../../api/types.js'
import { isRecord } from '../../options/other-words/tool-choice.js'
import type { HttpError } from '../../web/errors.js'
import { jsonIn } from '../../web/json.js'
import { jsonLines } from '../../web/replies.js'
import { oneLine } from '../one-line.js'
import { wireLogprob } from '../openai/envelope.js'
import { errorLine, line } from './errors.js'
import type { Clock } from './use.js'

/** What is known before the first part of a reply. */
export interface ReplyHead {
  /** The name that the request asked for. */
  readonly model: string
  readonly clock: Clock
}

/** What the model said, as far as it is told together. */
export interface Said {
  readonly text: string
  readonly thinking?: string
  readonly calls?: readonly object[]
}

/** Where the two endpoints have what was said. */
export interface Shape {
  said(said: Said): object
  /** JSON of a piece of text, up to the text and behind it. */
  readonly aroundText: readonly [string, string]
}

export const chatShape: Shape = {
  said: ({ text, thinking, calls = [] }) => ({
    message: {
      role: 'assistant',
      content: text,
      ...(thinking === undefined ? {} : { thinking }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    },
  }),
  aroundText: ['"message":{"role":"assistant","content":', '}'],
}

export const generateShape: Shape = {
  said: ({ text, thinking }) => ({
    response: text,
    ...(thinking === undefined ? {} : { thinking }),
  }),
  aroundText: ['"response":', ''],
}

/** Writes a reply as lines: its pieces, and a last one with the counts. */
export class ReplyLines {
  readonly headers = jsonLines
  readonly #head: ReplyHead
  readonly #shape: Shape
  readonly #calls = new Calls()
  readonly #textOpening: string
  readonly #textEnding: string

  constructor(head: ReplyHead, shape: Shape) {
    this.#head = head
    this.#shape = shape
    const [before, behind] = shape.aroundText
    this.#textOpening = `","${before.slice(1)}`
    this.#textEnding = `${behind},"done":false}\n`
  }

  /** A piece of no text: these lines know no comments, and clients read each as JSON. */
  ping(): string {
    return this.#text('')
  }

  opening(): string {
    return ''
  }

  part({ text, reasoning, toolCalls, logprobs = [] }: ReplyPart): string {
    const calls = toolCalls === undefined ? [] : this.#calls.add(toolCalls)
    if (logprobs.length === 0 && calls.length === 0 && reasoning === undefined) {
      return text === '' ? '' : this.#text(text)
    }
    const said = { text, ...(reasoning === undefined ? {} : { thinking: reasoning }), calls }
    return this.#line(said, logprobs.length === 0 ? {} : { logprobs: logprobs.map(told) })
  }

  ending(result: ReplyResult): string {
    const calls = this.#calls.last()
    const rest = calls.length === 0 ? '' : this.#line({ text: '', calls }, {})
    const head = { model: this.#head.model, created_at: now() }
    const said = this.#shape.said({ text: '' })
    return rest + line({ ...head, ...said, ...endOf(result, this.#head.clock) })
  }

  failure(error: HttpError): string {
    return errorLine(error)
  }

  /** Written for each token. */
  #text(text: string): string {
    const head = `{"model":${JSON.stringify(this.#head.model)},"created_at":"${now()}`
    return `${head}${this.#textOpening}${oneLine(text)}${this.#textEnding}`
  }

  #line(said: Said, more: object): string {
    const head = { model: this.#head.model, created_at: now() }
    return line({ ...head, ...this.#shape.said(said), done: false, ...more })
  }
}

/** Collects a reply that is not streamed. */
export class ReplyBody {
  readonly #head: ReplyHead
  readonly #shape: Shape
  readonly #calls = new Calls()
  readonly #done: object[] = []
  readonly #logprobs: object[] = []

  constructor(head: ReplyHead, shape: Shape) {
    this.#head = head
    this.#shape = shape
  }

  add({ toolCalls, logprobs = [] }: ReplyPart): void {
    if (toolCalls !== undefined) this.#done.push(...this.#calls.add(toolCalls))
    for (const entry of logprobs) this.#logprobs.push(told(entry))
  }

  body([result]: readonly [ReplyResult]): object {
    const { text, reasoning } = result
    const said = {
      text,
      ...(reasoning === undefined ? {} : { thinking: reasoning }),
      calls: [...this.#done, ...this.#calls.last()],
    }
    return {
      model: this.#head.model,
      created_at: now(),
      ...this.#shape.said(said),
      ...endOf(result, this.#head.clock),
      ...(this.#logprobs.length === 0 ? {} : { logprobs: this.#logprobs }),
    }
  }
}

/**
 * Calls of tools as they grow. Ollama tells them whole, with their arguments as an object, so one
 * that was cut is not told: it could not be run.
 */
class Calls {
  #open: { index: number; id: string; name: string; json: string } | undefined

  /** Returns those that are whole now. */
  add(deltas: readonly ToolCallDelta[]): object[] {
    const whole: object[] = []
    for (const { index, id = '', name = '', arguments: json } of deltas) {
      if (this.#open?.index === index) {
        this.#open.json += json
        continue
      }
      whole.push(...this.last())
      this.#open = { index, id, name, json }
    }
    return whole
  }

  /** The one that is open, where it is whole. */
  last(): object[] {
    const call = this.#open
    this.#open = undefined
    if (call === undefined) return []
    const given = jsonIn(call.json === '' ? '{}' : call.json)
    if (!isRecord(given)) return []
    return [{ id: call.id, function: { index: call.index, name: call.name, arguments: given } }]
  }
}

function endOf(result: ReplyResult, { startedAt, loadMs }: Clock): object {
  const { usage, timings } = result
  return {
    done: true,
    done_reason: doneReasonOf(result),
    total_duration: nanoseconds(performance.now() - startedAt),
    load_duration: nanoseconds(loadMs),
    prompt_eval_count: usage.promptTokens,
    prompt_eval_duration: nanoseconds(timings.prefillMs),
    eval_count: usage.completionTokens,
    eval_duration: nanoseconds(timings.decodeMs),
  }
}

/** A cancelled reply never gets this far: its client has left. */
function doneReasonOf({ finishReason }: ReplyResult): 'stop' | 'length' {
  if (finishReason === 'cancelled') throw new Error('a cancelled reply has no done_reason')
  return finishReason === 'length' ? 'length' : 'stop'
}

export function now(): string {
  return new Date().toISOString()
}

export function nanoseconds(ms: number): number {
  return Math.round(ms * 1e6)
}

function told({ top, ...entry }: TokenLogprobs): object {
  return {
    ...toldToken(entry),
    ...(top.length === 0 ? {} : { top_logprobs: top.map(toldToken) }),
  }
}

function toldToken({ token, logprob, bytes }: TokenLogprob): object {
  return { token, logprob: wireLogprob(logprob), bytes: Array.from(bytes) }
}
