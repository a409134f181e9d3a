/** Conversations that share beginnings, go on, are cut back and left, on too little memory. */
import { MODEL_KINDS } from '../models/model-kinds.js'
import { textOf } from '../random-words.js'
import type { Dice } from './dice.js'
import { type ClientPlan, followedBy, type Plan } from './plan.js'

export function drawChurn(seed: number, dice: Dice): Plan {
  const kind = dice.pick(MODEL_KINDS)
  const options = {
    parallel: dice.int(1, 4),
    queue: 64,
    window: dice.pick([8, 64]),
    context: 1024,
    cacheMiB: dice.pick([0, 1, 1, 2, 4]),
  }
  const engine = { kind, template: 'chatml' as const, embeds: false, options }
  const clients: ClientPlan[] = []
  const lanes = dice.int(1, 5)
  const beginnings = Array.from({ length: dice.int(1, 3) }, () => dice.int(1, 50))
  const requests = dice.int(20, 60)
  while (clients.length < requests) clients.push(drawTurn(dice, clients, lanes, beginnings))
  return { seed, engines: [engine], clients, closes: [] }
}

/** In its lane one follows the other. It goes on with a conversation, or begins one. */
function drawTurn(dice: Dice, before: ClientPlan[], lanes: number, beginnings: number[]) {
  const isNew = before.length < lanes || dice.chance(0.25)
  const words = textOf(dice.int(1, 20), dice.int(1, 1000))
  const system = textOf(dice.pick([40, 120, 200]), dice.pick(beginnings))
  // Mostly one of the last ones: the older ones were evicted, and come back sometimes.
  const back = dice.chance(0.8) ? dice.int(1, 8) : dice.int(1, 40)
  const client = Math.max(0, before.length - back)
  const keeps = dice.chance(0.6) ? 1 : dice.next()
  const call = {
    kind: 'complete' as const,
    prompt: isNew ? { words: `${system} ${words}` } : { words, follows: { client, keeps } },
    options: {
      maxTokens: dice.int(1, 60),
      ignoreEos: true,
      temperature: dice.pick([0, 0, 1.5]),
      seed: dice.int(1, 100),
      ...(dice.chance(0.1) ? { cacheSalt: 'a' } : {}),
    },
  }
  const lane = before.length - lanes
  return {
    engine: 0,
    after: [...followedBy(call), ...(lane >= 0 ? [lane] : [])],
    waitMs: 0,
    call,
    reader: dice.chance(0.1) ? { how: 'slow' as const, pauseMs: 1 } : { how: 'fast' as const },
    leave: dice.chance(0.2)
      ? dice.pick([
          { how: 'breaks' as const, parts: dice.int(0, 10) },
          { how: 'cancels' as const, afterMs: dice.int(0, 20) },
          { how: 'aborts' as const, afterMs: dice.int(0, 20) },
        ])
      : { how: 'stays' as const },
  }
}
