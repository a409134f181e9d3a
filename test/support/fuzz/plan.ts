/** A run of the fuzz as data: what is asked of which engine, who reads it how, and who leaves. */
import type {
  ChatMessage,
  ChatOptions,
  CompletionOptions,
  RequestOptions,
} from '../../../src/index.js'
import { textOf } from '../random-words.js'
import type { Dice } from './dice.js'
import { drawEngine, type EnginePlan } from './engine-plan.js'

/** A prompt: words, in front of which may stand what an earlier client sent and was told. */
export interface PromptPlan {
  words: string
  /** The earlier client, and how much of its conversation is kept: from 0 to 1. */
  follows?: { client: number; keeps: number }
}

export type Call =
  | { kind: 'complete'; prompt: PromptPlan; options: CompletionOptions }
  | { kind: 'chat'; messages: ChatMessage[]; options: ChatOptions }
  | { kind: 'embed'; inputs: string[]; dimensions?: number }
  | { kind: 'text'; job: TextJob; text: string }

export type TextJob = 'tokenize' | 'detokenize' | 'pieces' | 'applyTemplate' | 'countTokens'

/** `stalls` takes some parts and goes on once all others have been served; `web` is toWeb(). */
export type ReaderPlan =
  | { how: 'fast' | 'done' | 'web' }
  | { how: 'slow'; pauseMs: number }
  | { how: 'stalls'; parts: number }

/** `break`, `throw`: out of the loop after so many parts. `cancel`, `abort`: after some time. */
export type LeavePlan =
  | { how: 'stays' | 'is aborted before' }
  | { how: 'breaks' | 'throws'; parts: number }
  | { how: 'cancels' | 'aborts'; afterMs: number }

export interface ClientPlan {
  engine: number
  /** Clients that must have ended before it begins. */
  after: number[]
  waitMs: number
  call: Call
  reader: ReaderPlan
  leave: LeavePlan
}

export interface Plan {
  seed: number
  engines: EnginePlan[]
  clients: ClientPlan[]
  /** In the middle of it all. */
  closes: { engine: number; afterMs: number }[]
}

/** Random options, readers, cancels, deadlines and closes, on one engine or two. */
export function drawPlan(seed: number, dice: Dice): Plan {
  const engines = Array.from({ length: dice.chance(0.25) ? 2 : 1 }, () => drawEngine(dice))
  const clients: ClientPlan[] = []
  for (let i = dice.int(4, 24); i > 0; i--) clients.push(drawClient(dice, engines, clients))
  const closes = engines.flatMap((_, engine) =>
    dice.chance(0.2) ? [{ engine, afterMs: dice.int(0, 60) }] : [],
  )
  return { seed, engines, clients, closes }
}

function drawClient(dice: Dice, engines: EnginePlan[], before: ClientPlan[]): ClientPlan {
  const engine = dice.int(0, engines.length - 1)
  const call = drawCall(dice, engines[engine] as EnginePlan, engine, before)
  return {
    engine,
    after: followedBy(call),
    waitMs: dice.chance(0.6) ? 0 : dice.int(0, 40),
    call,
    reader: drawReader(dice),
    leave: drawLeave(dice),
  }
}

export function followedBy(call: Call): number[] {
  if (call.kind !== 'complete' || call.prompt.follows === undefined) return []
  return [call.prompt.follows.client]
}

function drawCall(dice: Dice, engine: EnginePlan, index: number, before: ClientPlan[]): Call {
  if (dice.chance(0.1))
    return { kind: 'text', job: drawTextJob(dice), text: textOf(9, dice.int(1, 9)) }
  if (dice.chance(engine.embeds ? 0.9 : 0.03)) {
    const inputs = Array.from({ length: dice.int(1, 6) }, () =>
      textOf(dice.int(1, 40), dice.int(1, 9)),
    )
    return { kind: 'embed', inputs, ...(dice.chance(0.2) ? { dimensions: dice.int(1, 64) } : {}) }
  }
  const options = drawOptions(dice, engine)
  if (dice.chance(0.4)) {
    const messages = [{ role: 'user' as const, content: drawText(dice) }]
    return { kind: 'chat', messages, options: { ...options, ...drawChatOptions(dice, engine) } }
  }
  const prompt = drawPrompt(dice, index, before)
  return { kind: 'complete', prompt, options: { ...options, ...drawForm(dice) } }
}

function drawTextJob(dice: Dice): TextJob {
  return dice.pick(['tokenize', 'detokenize', 'pieces', 'applyTemplate', 'countTokens'])
}

/** Of few beginnings, so that many share one; now and then too long for any context here. */
function drawText(dice: Dice): string {
  const words = dice.chance(0.03) ? 1500 : dice.pick([0, 20, 60, 150])
  return `${textOf(words, dice.int(1, 2))} ${textOf(dice.int(1, 12), dice.int(1, 1000))}`.trim()
}

function drawPrompt(dice: Dice, engine: number, before: ClientPlan[]): PromptPlan {
  const others = before.flatMap((client, i) =>
    client.engine === engine && client.call.kind === 'complete' ? [i] : [],
  )
  if (others.length === 0 || dice.chance(0.7)) return { words: drawText(dice) }
  const keeps = dice.chance(0.5) ? 1 : dice.next()
  const words = textOf(dice.int(1, 9), dice.int(1, 1000))
  return { words, follows: { client: dice.pick(others), keeps } }
}

function drawReader(dice: Dice): ReaderPlan {
  const how = dice.pick(['fast', 'fast', 'done', 'web', 'slow', 'stalls'] as const)
  if (how === 'slow') return { how, pauseMs: dice.int(0, 5) }
  return how === 'stalls' ? { how, parts: dice.int(0, 4) } : { how }
}

function drawLeave(dice: Dice): LeavePlan {
  if (dice.chance(0.5)) return { how: 'stays' }
  const how = dice.pick(['breaks', 'throws', 'cancels', 'cancels', 'aborts', 'aborts'] as const)
  if (how === 'breaks' || how === 'throws') return { how, parts: dice.int(0, 12) }
  if (how === 'aborts' && dice.chance(0.1)) return { how: 'is aborted before' }
  return { how, afterMs: dice.chance(0.3) ? 0 : dice.int(0, 50) }
}

const schema = {
  type: 'object',
  properties: {
    count: { type: 'integer', minimum: 0, maximum: 99 },
    animal: { enum: ['fox', 'owl'] },
  },
  required: ['count', 'animal'],
  additionalProperties: false,
}

const grammars = ['root ::= [A-Z!-/]+', 'root ::= ("A" | "bc" [0-9])* "."', 'root ::= [^a]{1,30}']

export function drawOptions(dice: Dice, engine: EnginePlan): RequestOptions {
  const options: RequestOptions = { ignoreEos: dice.chance(0.8), temperature: 0 }
  if (!dice.chance(0.05)) options.maxTokens = dice.pick([1, 2, dice.int(1, 20), dice.int(1, 120)])
  if (dice.chance(0.5)) Object.assign(options, drawSampling(dice))
  if (dice.chance(0.25)) options.n = dice.int(1, engine.options.parallel)
  if (dice.chance(0.4)) options.stop = drawStops(dice)
  if (dice.chance(0.2)) options.logprobs = dice.int(0, 3)
  if (dice.chance(0.1)) options.logitBias = { [dice.int(10, 300)]: dice.int(-5, 10) }
  if (dice.chance(0.1)) options.cacheSalt = dice.pick(['a', 'b'])
  return options
}

function drawSampling(dice: Dice): RequestOptions {
  return {
    temperature: dice.pick([0, 0.7, 1.5]),
    seed: dice.int(0, 1000),
    ...(dice.chance(0.3) ? { topK: dice.int(1, 40) } : {}),
    ...(dice.chance(0.3) ? { topP: 0.9 } : {}),
    ...(dice.chance(0.2) ? { minP: 0.05 } : {}),
    ...(dice.chance(0.2) ? { repeatPenalty: 1.2 } : {}),
    ...(dice.chance(0.2) ? { frequencyPenalty: 0.5, presencePenalty: 0.3 } : {}),
  }
}

function drawStops(dice: Dice): string[] {
  const mark = () => String.fromCharCode(dice.int(33, 95))
  return Array.from({ length: dice.int(1, 4) }, () => (dice.chance(0.7) ? mark() : mark() + mark()))
}

function drawForm(dice: Dice): RequestOptions {
  if (dice.chance(0.8)) return {}
  const form = dice.pick([{ grammar: dice.pick(grammars) }, { schema }, { json: true }])
  return { ...form, ignoreEos: false, maxTokens: dice.int(1, 150) }
}

function drawTools(dice: Dice): ChatOptions {
  const nothing = { type: 'object', properties: {}, additionalProperties: false }
  const tools = [
    { name: 'count', parameters: schema },
    { name: 'stop', parameters: nothing },
  ]
  if (dice.chance(0.3)) return { tools }
  const maxTokens = dice.chance(0.7) ? 300 : dice.int(1, 100)
  const parallelToolCalls = dice.chance(0.3)
  return { tools, toolChoice: 'required', parallelToolCalls, ignoreEos: false, maxTokens }
}

function drawChatOptions(dice: Dice, { template, embeds }: EnginePlan): ChatOptions {
  if (embeds) return {} // it knows no template
  const canCall = template !== 'chatml'
  return {
    ...(canCall && dice.chance(0.4) ? drawTools(dice) : drawForm(dice)),
    ...(template === 'qwen' && dice.chance(0.6)
      ? { reasoning: { budget: dice.int(0, 20), budgetMessage: dice.pick(['', '\nEnough.\n']) } }
      : {}),
  }
}
