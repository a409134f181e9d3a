import {
  type SamplingName,
  type SamplingRow,
  samplingNames,
  samplingRows,
} from '../api/sampling-options.js'
import { check, filePath, hostName, int32Max, integerFrom, isNumber, oneOf } from './checks.js'
import { budgetChecks, loadChecks, loadDefaults, samplingChecks } from './engine-options.js'
import { type Flag, listFlag, numberFlag, switchFlag, textFlag } from './flags.js'

/** Every setting of the commands, with its range, its default and its help. See flags.ts. */

const milliseconds = integerFrom(1, int32Max)
const shares = check<string>('numbers with commas between, for example 3,1', (value) => {
  return typeof value === 'string' && value.split(',').every(isShare)
})
const maxTokens = integerFrom(1, int32Max)
const ofTheModel = (neutral: string) => ({ fallbackHelp: `the model's own, else ${neutral}` })

const modelFlags = {
  model: textFlag('FILE', filePath, 'the model, a GGUF file', {
    fallbackHelp: 'the small storyteller that comes along',
  }),
  context: numberFlag('N', loadChecks.context, 'tokens of a conversation, reply included', {
    fallbackHelp: 'min(trained, 8192), as far as memory allows',
  }),
  threads: numberFlag('N', loadChecks.threads, 'compute threads', {
    fallbackHelp: 'one per core',
  }),
  poll: numberFlag('N', loadChecks.poll, 'how long compute threads spin before they sleep', {
    fallback: loadDefaults.poll,
  }),
  priority: textFlag('LEVEL', loadChecks.priority, 'of compute threads: low, normal, high ...', {
    fallback: loadDefaults.priority,
  }),
  gpu: textFlag(
    'BACKEND',
    oneOf('auto', 'cuda', 'vulkan', 'metal', 'off'),
    'what computes beside the CPU: auto, cuda, vulkan, metal or off',
    { fallback: loadDefaults.gpu },
  ),
  gpuLayers: numberFlag(
    'N',
    loadChecks.gpuLayers,
    'layers to put on the GPU, -1 for all that fit',
    {
      fallback: loadDefaults.gpuLayers,
    },
  ),
  splitMode: textFlag('MODE', loadChecks.splitMode, 'how GPUs share: none or layer', {
    fallbackHelp: 'one GPU where the model fits into it, else layer',
  }),
  mainGpu: numberFlag('N', loadChecks.mainGpu, 'the one GPU to use, as doctor counts them', {
    fallbackHelp: 'the one with the most free memory',
  }),
  tensorSplit: textFlag('N,N', shares, 'shares of the GPUs', {
    fallbackHelp: 'by their free memory',
  }),
  kvType: textFlag('TYPE', loadChecks.kvType, 'type of the KV cache: f16, bf16, q8_0 or q4_0', {
    fallback: loadDefaults.kvType,
  }),
  flashAttention: textFlag('MODE', oneOf('auto', 'on', 'off'), 'flash attention: auto, on, off', {
    fallback: loadDefaults.flashAttention,
  }),
  chatTemplateFile: textFlag('FILE', filePath, "a chat template in the place of the model's", {
    fallbackHelp: "the model's own",
  }),
  draft: textFlag('FILE', loadChecks.draft, 'a small model that drafts for a lone reply'),
  lookup: switchFlag('draft by looking up what followed the same words before'),
  draftMax: numberFlag('N', loadChecks.draftMax, 'tokens to draft for a step at most', {
    fallbackHelp: 'as many as are fastest, by measure',
  }),
}

type FlaggedSampling = {
  [Name in SamplingName]: (typeof samplingRows)[Name] extends { flag: object } ? Name : never
}[SamplingName]

export const samplingFlags = {
  ...(Object.fromEntries(
    samplingNames.flatMap((name) => {
      const { flag, neutral }: SamplingRow = samplingRows[name]
      if (flag === undefined) return []
      const { argument, help } = flag
      const otherwise = ofTheModel(String(neutral))
      return [[name, numberFlag(argument, samplingChecks[name], help, otherwise)]]
    }),
  ) as Record<FlaggedSampling, Flag<number, undefined>>),
  seed: numberFlag('N', samplingChecks.seed, 'makes a reply repeatable', {
    fallbackHelp: 'another for each reply',
  }),
}

const replyFlags = {
  ...samplingFlags,
  maxTokens: numberFlag('N', maxTokens, 'tokens of a reply at most', {
    fallbackHelp: 'until the context is full',
  }),
  reasoningBudget: numberFlag('N', budgetChecks.budget, 'tokens a reply may think, -1 for any', {
    fallback: -1,
  }),
  reasoningBudgetMessage: textFlag(
    'TEXT',
    budgetChecks.budgetMessage,
    'what thoughts that have had their tokens are ended with',
    { fallbackHelp: 'nothing' },
  ),
}

const parallel = (fallback: number) =>
  numberFlag('N', loadChecks.parallel, 'conversations at once', { fallback })

function isShare(text: string): boolean {
  return text.trim() !== '' && isNumber(Number(text), 0, 1e9)
}

export const runFlags = { ...modelFlags, parallel: parallel(1), ...replyFlags }

export const serveFlags = {
  ...modelFlags,
  parallel: parallel(loadDefaults.parallel),
  kvCells: numberFlag('N', loadChecks.kvCells, 'cells of one KV cache for all conversations', {
    fallbackHelp: 'none, each has its own',
  }),
  cacheMib: numberFlag('MIB', loadChecks.cacheMiB, 'memory for states of conversations', {
    fallbackHelp: 'an eighth of free memory, at most 2048',
  }),
  embeddings: textFlag('MODE', oneOf('auto', 'on', 'off'), 'embed: on, off, or as the file says', {
    fallback: 'auto',
  }),
  queue: numberFlag('N', loadChecks.queue, 'requests that may wait for a place', {
    fallback: loadDefaults.queue,
  }),
  window: numberFlag('N', loadChecks.window, 'tokens a reply may run ahead of its reader', {
    fallback: loadDefaults.window,
  }),
  toolsMax: numberFlag('N', loadChecks.toolsMax, 'tools of one request', {
    fallback: loadDefaults.toolsMax,
  }),
  toolBytesMax: numberFlag('N', loadChecks.toolBytesMax, "bytes of a request's tools, together", {
    fallback: loadDefaults.toolBytesMax,
  }),
  toolWorkMax: numberFlag('N', loadChecks.toolWorkMax, 'work of their schemas, in 1,000 steps', {
    fallback: loadDefaults.toolWorkMax,
  }),
  ...replyFlags,
  host: textFlag('HOST', hostName, 'address to listen on', { fallback: '127.0.0.1' }),
  port: numberFlag('N', integerFrom(0, 65_535), 'port to listen on, 0 picks one', {
    fallback: 8080,
  }),
  alias: listFlag('NAME', 'another name of the model for requests'),
  anyModel: switchFlag('answer to any name of a model, not to its own alone'),
  allowHost: listFlag('HOST', 'another name that requests may be sent to'),
  allowOrigin: listFlag('URL', 'a web origin that may call: https://app.example, or * for any'),
  bodyMib: numberFlag('MIB', integerFrom(1, 1024), "a request's body at most", { fallback: 32 }),
  apiKeyFile: textFlag('FILE', filePath, 'keys that requests must bring, one a line, # comments', {
    fallbackHelp: 'SLUICE_API_KEY, one key',
  }),
  isolateKeys: switchFlag('share computed prompts only between requests of one key'),
  openMetrics: switchFlag('serve GET /metrics without a key'),
  allowUnauthenticated: switchFlag('serve other machines without a key'),
  queueDeadlineMs: numberFlag('MS', loadChecks.queueDeadlineMs, 'how long a request may wait', {
    fallback: loadDefaults.queueDeadlineMs,
  }),
  readerStallMs: numberFlag('MS', milliseconds, 'how long a reader may take nothing', {
    fallback: 60_000,
  }),
  engineStallMs: numberFlag('MS', milliseconds, 'how long the engine may stand still', {
    fallback: 30_000,
  }),
  logFormat: textFlag('FORMAT', oneOf('text', 'json'), 'of the log on stderr, text or json', {
    fallback: 'text',
  }),
  logLevel: textFlag(
    'LEVEL',
    oneOf('debug', 'info', 'warn', 'error', 'silent'),
    'what is logged: debug (health and metrics too), info, warn, error or silent',
    { fallback: 'info' },
  ),
  drainMs: numberFlag('MS', integerFrom(0, int32Max), 'how long replies may go on after SIGTERM', {
    fallback: 30_000,
  }),
}

export const doctorFlags = {
  ...modelFlags,
  model: textFlag('FILE', filePath, 'the model, a GGUF file', { fallbackHelp: 'none' }),
  parallel: parallel(loadDefaults.parallel),
  kvCells: serveFlags.kvCells,
  embeddings: serveFlags.embeddings,
  json: switchFlag('print one JSON object, for programs'),
}
