import fs from 'node:fs'
import type { LoadWarning } from '../api/placement-types.js'
import { reasonOf } from '../api/show.js'
import type { EstimateOptions, LoadOptions } from '../api/types.js'
import { refused } from '../options/checks.js'
import {
  type doctorFlags,
  type runFlags,
  samplingFlags,
  type serveFlags,
} from '../options/command-flags.js'
import type { Settled } from '../options/flags.js'
import { colours } from './colours.js'
import { packagePath } from './package-root.js'

type ReplyFlags = Settled<typeof runFlags> | Settled<typeof serveFlags>
type EngineFlags = ReplyFlags | Settled<typeof doctorFlags>

const loadKeys = [
  'parallel',
  'context',
  'threads',
  'poll',
  'priority',
  'gpuLayers',
  'splitMode',
  'mainGpu',
  'kvType',
  'draft',
  'lookup',
  'draftMax',
  'kvCells',
  'queue',
  'window',
  'queueDeadlineMs',
  'toolsMax',
  'toolBytesMax',
  'toolWorkMax',
] as const
const samplingKeys = Object.keys(samplingFlags) as (keyof typeof samplingFlags)[]

/** What `load` is to be called with, apart from its progress and signal. */
export function loadOptions(flags: ReplyFlags): LoadOptions {
  return {
    ...engineOptions(flags),
    model: flags.model ?? packagePath('models/storyteller.gguf'),
    sampling: pick(flags, samplingKeys),
    reasoning: {
      budget: flags.reasoningBudget,
      ...(flags.reasoningBudgetMessage === undefined
        ? {}
        : { budgetMessage: flags.reasoningBudgetMessage }),
    },
  }
}

/** Of it, what does not depend on a request. */
export function engineOptions(flags: EngineFlags): EstimateOptions {
  const given = flags as Settled<typeof serveFlags>
  return {
    ...pick(given, loadKeys),
    ...(given.embeddings === undefined || given.embeddings === 'auto'
      ? {}
      : { embeddings: given.embeddings === 'on' }),
    gpu: given.gpu === 'off' ? false : given.gpu,
    ...(given.tensorSplit === undefined
      ? {}
      : { tensorSplit: given.tensorSplit.split(',').map(Number) }),
    flashAttention: given.flashAttention === 'auto' ? 'auto' : given.flashAttention === 'on',
    ...(given.cacheMib === undefined ? {} : { cacheMiB: given.cacheMib }),
    ...(given.chatTemplateFile === undefined
      ? {}
      : { chatTemplate: readTemplate(given.chatTemplateFile) }),
  }
}

/** For `load`'s onWarning: a line on stderr. */
export function printWarning({ code, message }: LoadWarning): void {
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
