import fs from 'node:fs'
import type { LoadWarning } from '../api/placement-types.js'
import { reasonOf } from '../api/show.js'
import type { EstimateOptions, LoadOptions } from '../api/types.js'
import { isFirstWorker } from '../engine/warnings.js'
import { refused } from '../options/checks.js'
import {
  type chatFlags,
  type doctorFlags,
  type runFlags,
  samplingFlags,
  type serveFlags,
} from '../options/command-flags.js'
import { loadChecks } from '../options/engine-options.js'
import type { Settled } from '../options/flags.js'
import { colours } from './colours.js'
import { loraOption } from './flags/lora-flag.js'
import { packagePath } from './package-root.js'

export type ReplyFlags =
  | Settled<typeof runFlags>
  | Settled<typeof chatFlags>
  | Settled<typeof serveFlags>
type EngineFlags = ReplyFlags | Settled<typeof doctorFlags>

/** Flags that say it otherwise than the option of `load` does, or under another name. */
const converted: Readonly<Record<string, [option: string, read: (value: never) => unknown]>> = {
  gpu: ['gpu', (backend: string) => (backend === 'off' ? false : backend)],
  tensorSplit: ['tensorSplit', (shares: string) => shares.split(',').map(Number)],
  rpc: ['rpc', (names: string) => names.split(',')],
  flashAttention: ['flashAttention', (mode: string) => (mode === 'auto' ? mode : mode === 'on')],
  embeddings: ['embeddings', (mode: string) => (mode === 'auto' ? undefined : mode === 'on')],
  cacheMib: ['cacheMiB', (mebibytes: number) => mebibytes],
  lora: ['lora', loraOption],
  cacheDiskGib: ['cacheDiskGiB', (gibibytes: number) => gibibytes],
  chatTemplateFile: ['chatTemplate', readTemplate],
}

const samplingKeys = Object.keys(samplingFlags) as (keyof typeof samplingFlags)[]

/**
 * What `load` is to be called with, apart from its progress and signal.
 * @param file of the model; undefined is the storyteller
 */
export function loadOptions(flags: ReplyFlags, file: string | undefined): LoadOptions {
  return {
    ...engineOptions(flags),
    model: file ?? packagePath('models/storyteller.gguf'),
    sampling: pick(flags, samplingKeys),
    reasoning: {
      enabled: flags.thinking === 'on',
      budget: flags.reasoningBudget,
      ...(flags.reasoningBudgetMessage === undefined
        ? {}
        : { budgetMessage: flags.reasoningBudgetMessage }),
    },
  }
}

/** Of it, what does not depend on a request: every flag that is an option of `load`. */
export function engineOptions({ model: _, ...flags }: EngineFlags): EstimateOptions {
  const options = Object.entries(flags).map(([key, value]) => {
    const [option, read] = converted[key] ?? [key, () => value]
    return [option, read(value as never)] as const
  })
  return Object.fromEntries(
    options.filter(([option, value]) => value !== undefined && Object.hasOwn(loadChecks, option)),
  )
}

/** For `load`'s onWarning: a line on stderr, from one of a cluster's workers. */
export function printWarning({ code, message }: LoadWarning): void {
  if (!isFirstWorker()) return
  process.stderr.write(`${colours.yellow('sluice:')} warning: ${message} (${code})\n`)
}

function readTemplate(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (cause) {
    const came = `${file} (${reasonOf(cause)})`
    throw refused('--chat-template-file', 'a file that can be read', came, { cause })
  }
}

/** Those of the keys that are there. */
export function pick<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  const present = keys.filter((key) => from[key] !== undefined)
  return Object.fromEntries(present.map((key) => [key, from[key]])) as Pick<T, K>
}
