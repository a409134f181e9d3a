import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type Engine, type LoadOptions, load } from '../../../src/index.js'
import {
  HEADED_KINDS,
  hasHeads,
  kindModel,
  MODEL_KINDS,
  type ModelKind,
} from '../models/model-kinds.js'
import type { Dice } from './dice.js'

export interface EnginePlan {
  kind: ModelKind
  template: keyof typeof templates
  embeds: boolean
  options: Omit<LoadOptions, 'model'> & { parallel: number; queue: number; context: number }
}

const folder = path.resolve(
  process.env.LLAMA_CPP_DIR ?? path.resolve(import.meta.dirname, '../../../deps/llama.cpp'),
  'models/templates',
)
/** The model's own, one that calls tools, and one that thinks as well. */
const templates = {
  chatml: undefined,
  hermes: 'NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja',
  qwen: 'Qwen-Qwen3-0.6B.jinja',
} as const

/** What makes texts exactly those of a lone run: see test/support/alone.ts. */
const exact = { kvType: 'q8_0', threads: 1 } as const

export function drawEngine(dice: Dice): EnginePlan {
  const kind = dice.chance(0.4) ? 'plain' : dice.pick([...MODEL_KINDS, ...HEADED_KINDS])
  const embeds = !hasHeads(kind) && dice.chance(0.1)
  const template = dice.pick(['chatml', 'hermes', 'qwen'] as const)
  // What is told of tools takes about 1,000 tokens.
  const short = kind === 'sliding-window' ? WINDOW_CELLS : 1024
  const context = dice.pick(template === 'chatml' ? [256, short] : [1024, 2048, 2048, 2048])
  const options = {
    parallel: dice.int(1, 6),
    queue: dice.pick([2, 16, 16, 64]),
    window: dice.pick([1, 4, 16, 64]),
    context,
    cacheMiB: dice.pick([0, 1, 16]),
    ...(dice.chance(0.1) ? { queueDeadlineMs: dice.int(1, 30) } : {}),
    ...(kind === 'plain' && !embeds ? drawSpeculation(dice) : {}),
    ...(hasHeads(kind) ? drawHeads(dice) : {}),
    ...(dice.chance(0.1) ? { kvCells: context + dice.int(0, 300) } : {}),
  }
  return { kind, template, embeds, options }
}

function drawHeads(dice: Dice): Partial<LoadOptions> {
  return dice.chance(0.7) ? { mtp: true, draftMax: dice.int(1, 16) } : { mtp: true }
}

function drawSpeculation(dice: Dice): Partial<LoadOptions> {
  if (dice.chance(0.6)) return {}
  const limit = dice.chance(0.7) ? { draftMax: dice.int(1, 16) } : {}
  if (dice.chance(0.4)) return { lookup: true, ...limit }
  return { draft: kindModel('plain', { seed: dice.int(1, 2) }), ...limit }
}

export function openEngine(plan: EnginePlan, options: Partial<LoadOptions> = {}): Promise<Engine> {
  const { kind, embeds, template } = plan
  const file = templates[template]
  return load({
    model: kindModel(kind, embeds ? { pooling: kind === 'plain' ? 1 : 3 } : {}),
    ...exact,
    ...(file === undefined ? {} : { chatTemplate: readFileSync(path.join(folder, file), 'utf8') }),
    ...plan.options,
    ...options,
  })
}

/**
 * Sums may be rounded otherwise, so texts may differ, with cells that all share, and where the
 * cells of a sliding window are used again: the order of the cells depends on the prompt's copying.
 */
export function isExact({ kind, options }: EnginePlan): boolean {
  if (options.kvCells !== undefined) return false
  return kind !== 'sliding-window' || options.context <= WINDOW_CELLS
}

/** Of each sequence: the window and a batch of 512 rows, rounded up to 256. See llama.cpp. */
const WINDOW_CELLS = 768
