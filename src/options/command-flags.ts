import {
  type SamplingName,
  type SamplingRow,
  samplingNames,
  samplingRows,
} from '../api/sampling-options.js'
import type { LoadOptions } from '../api/types.js'
import { keyLimitChecks } from './api-keys.js'
import {
  aString,
  type Check,
  check,
  filePath,
  folderPath,
  hostName,
  int32Max,
  integerFrom,
  isNumber,
  milliseconds,
  oneOf,
} from './checks.js'
import { budgetChecks, loadChecks, loadDefaults, samplingChecks } from './engine-options.js'
import { type Flag, listFlag, switchFlag, valueFlag } from './flags.js'
import { hubNameForm } from './hub-name.js'
import { workerList } from './worker-names.js'

/** Every setting of the commands, with its range, its default and its help. See flags.ts. */

const shares = check<string>('numbers with commas between, for example 3,1', (value) => {
  return typeof value === 'string' && value.split(',').every(isShare)
})
const schemaOrFile = check<string>('a JSON Schema ({...}), or the path of a file', (value) => {
  return typeof value === 'string' && value.trim() !== '' && !value.includes('\0')
})
/** As load takes it, but for URL objects. */
const modelGiven = check<string>(`the path of a file, or ${hubNameForm}`, (value) => {
  return loadChecks.model.accepts(value)
})
const maxTokens = integerFrom(1, int32Max)
const ofTheModel = (neutral: string) => ({ fallbackHelp: `the model's own, else ${neutral}` })

type LoadDefaults = typeof loadDefaults
type Words = readonly [argument: string, help: string, fallback?: string]

/** Flags of load's options, by their names: each has its option's check and its default. */
function loadFlags<Name extends keyof LoadOptions>(words: Readonly<Record<Name, Words>>) {
  const flags = Object.entries<Words>(words).map(([name, [argument, help, fallbackHelp]]) => {
    const fallback = (loadDefaults as Partial<Record<string, unknown>>)[name]
    const own: Check<unknown> = loadChecks[name as Name]
    return [name, valueFlag(argument, own, help, { fallback, fallbackHelp })]
  })
  return Object.fromEntries(flags) as {
    [K in Name]: Flag<
      NonNullable<LoadOptions[K]>,
      K extends keyof LoadDefaults ? NonNullable<LoadOptions[K]> : undefined
    >
  }
}

const modelFlags = {
  model: valueFlag('FILE', modelGiven, 'the model: a GGUF file, or hf:OWNER/REPO:QUANT', {
    fallbackHelp: 'the small storyteller that comes along',
  }),
  ...loadFlags({
    context: [
      'N',
      'tokens of a conversation, reply included',
      'min(trained, 8192), as far as memory allows',
    ],
    threads: ['N', 'compute threads', 'one per core'],
    poll: ['N', 'how long compute threads spin before they sleep'],
    priority: ['LEVEL', 'of compute threads: low, normal, high ...'],
  }),
  gpu: valueFlag(
    'BACKEND',
    oneOf('auto', 'cuda', 'vulkan', 'metal', 'off'),
    'what computes beside the CPU: auto, cuda, vulkan, metal or off',
    { fallback: loadDefaults.gpu },
  ),
  ...loadFlags({
    gpuLayers: ['N', 'layers to put on the GPU, -1 for all that fit'],
    splitMode: [
      'MODE',
      'how GPUs share: none or layer',
      'one GPU where the model fits into it, else layer',
    ],
    mainGpu: [
      'N',
      'the one GPU to use, as doctor counts them',
      'the one with the most free memory',
    ],
  }),
  tensorSplit: valueFlag('N,N', shares, 'shares of the GPUs', {
    fallbackHelp: 'by their free memory',
  }),
  rpc: valueFlag(
    'HOST:PORT,..',
    workerList,
    'machines that compute a part, each running sluice worker; for trusted networks only',
  ),
  ...loadFlags({ rpcWaitMs: ['MS', 'how long a lost worker may take to come back'] }),
  ...loadFlags({ kvType: ['TYPE', 'type of the KV cache: f16, bf16, q8_0 or q4_0'] }),
  flashAttention: valueFlag('MODE', oneOf('auto', 'on', 'off'), 'flash attention: auto, on, off', {
    fallback: loadDefaults.flashAttention,
  }),
  chatTemplateFile: valueFlag('FILE', filePath, "a chat template in the place of the model's", {
    fallbackHelp: "the model's own",
  }),
  toolsFallback: switchFlag('tell a model of tools whose chat template knows none'),
  ...loadFlags({ draft: ['FILE', 'a small model that drafts for a lone reply'] }),
  lora: listFlag(
    'NAME=FILE',
    'a LoRA adapter for requests that name it; FILE@0.5 scales it',
    filePath,
    {
      separator: /,(?=[^,=]+=)/, // a path may have commas
    },
  ),
  lookup: switchFlag('draft by looking up what followed the same words before'),
  mtp: switchFlag("draft with the model's own heads (MTP), where it has them"),
  ...loadFlags({
    draftMax: ['N', 'tokens to draft for a step at most', 'as many as are fastest, by measure'],
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
      return [[name, valueFlag(argument, samplingChecks[name], help, otherwise)]]
    }),
  ) as Record<FlaggedSampling, Flag<number, undefined>>),
  seed: valueFlag('N', samplingChecks.seed, 'makes a reply repeatable', {
    fallbackHelp: 'another for each reply',
  }),
}

const replyFlags = {
  ...samplingFlags,
  maxTokens: valueFlag('N', maxTokens, 'tokens of a reply at most', {
    fallbackHelp: 'until the context is full',
  }),
  thinking: valueFlag('MODE', oneOf('on', 'off'), 'whether models reason that can', {
    fallback: 'on',
  }),
  reasoningBudget: valueFlag('N', budgetChecks.budget, 'reasoning tokens of a reply, -1 for any', {
    fallback: -1,
  }),
  reasoningBudgetMessage: valueFlag(
    'TEXT',
    budgetChecks.budgetMessage,
    'text that ends reasoning that has used its tokens',
    { fallbackHelp: 'nothing' },
  ),
}

const parallel = (fallback: number) =>
  valueFlag('N', loadChecks.parallel, 'conversations at once', { fallback })

function isShare(text: string): boolean {
  return text.trim() !== '' && isNumber(Number(text), 0, 1e9)
}

const systemFlags = {
  system: valueFlag('TEXT', aString, 'the system prompt: who the model is to be'),
  systemFile: valueFlag('FILE', filePath, 'the system prompt, from a file'),
}

export const runFlags = {
  ...systemFlags,
  file: listFlag('FILE', 'a text file to put before the prompt', filePath),
  schema: valueFlag(
    'FILE|JSON',
    schemaOrFile,
    'a JSON Schema that the reply keeps to; {"type":"object"} is any object',
  ),
  json: switchFlag('print the whole result as one JSON object, for programs'),
  ...modelFlags,
  parallel: parallel(1),
  ...replyFlags,
}

export const chatFlags = {
  ...systemFlags,
  noHistory: switchFlag('keep no file of what is typed, and read none'),
  ...modelFlags,
  ...replyFlags,
}

const ofModels = {
  model: listFlag('[NAME=]FILE', 'the model, a GGUF file; several have names', filePath, {
    separator: /,(?=[^,=]+=)/, // a path may have commas
    fallbackHelp: 'the small storyteller that comes along',
  }),
  config: valueFlag('FILE', filePath, 'several models and their options, a JSON file'),
  memoryMib: valueFlag('MIB', integerFrom(1, 2 ** 30), 'memory for all models of several', {
    fallbackHelp: 'nine tenths of what is free',
  }),
  idleUnload: valueFlag(
    'S',
    integerFrom(0, 2_147_483),
    'seconds without a use after which a model is unloaded, 0 is never',
    { fallbackHelp: '0' },
  ),
}

export const serveFlags = {
  ...modelFlags,
  ...ofModels,
  parallel: parallel(loadDefaults.parallel),
  ...loadFlags({
    kvCells: ['N', 'cells of one KV cache for all conversations', 'none, each has its own'],
  }),
  cacheMib: valueFlag('MIB', loadChecks.cacheMiB, 'memory for states of conversations', {
    fallbackHelp: 'an eighth of free memory, at most 2048',
  }),
  cacheDir: valueFlag('DIR', loadChecks.cacheDir, 'a folder where such states survive restarts', {
    fallbackHelp: 'none',
  }),
  cacheDiskGib: valueFlag('GIB', loadChecks.cacheDiskGiB, 'what the states in it may take', {
    fallback: loadDefaults.cacheDiskGiB,
  }),
  embeddings: valueFlag('MODE', oneOf('auto', 'on', 'off'), 'embed: on, off, or as the file says', {
    fallback: 'auto',
  }),
  ...loadFlags({
    queue: ['N', 'requests that may wait for a slot'],
    window: ['N', 'tokens a reply may run ahead of its reader'],
    toolsMax: ['N', 'tools of one request'],
    toolBytesMax: ['N', "bytes of a request's tools, together"],
    toolWorkMax: ['N', 'work of their schemas, in 1,000 steps'],
  }),
  ...replyFlags,
  host: valueFlag('HOST', hostName, 'address to listen on', { fallback: '127.0.0.1' }),
  port: valueFlag('N', integerFrom(0, 65_535), 'port to listen on, 0 picks one', {
    fallback: 8080,
  }),
  alias: listFlag('NAME', 'another name of the model for requests'),
  anyModel: switchFlag('answer to any name of a model, not to its own alone'),
  allowPull: switchFlag('let clients pull models of the Hub, copy and delete them'),
  allowHost: listFlag('HOST', 'another name that requests may be sent to'),
  allowOrigin: listFlag('URL', 'a web origin that may call: https://app.example, or * for any'),
  bodyMib: valueFlag('MIB', integerFrom(1, 1024), "a request's body at most", { fallback: 32 }),
  responseStore: valueFlag(
    'N',
    integerFrom(0, 1_000_000),
    'responses to keep for previous_response_id, 0 keeps none',
    { fallback: 0 },
  ),
  responseStoreMib: valueFlag('MIB', integerFrom(1, 2 ** 20), 'memory for kept responses', {
    fallback: 64,
  }),
  apiKeyFile: valueFlag('FILE', filePath, 'keys that requests must bring, one a line, # comments', {
    fallbackHelp: 'SLUICE_API_KEY, one key',
  }),
  keyRequests: valueFlag('N', keyLimitChecks.requests, 'requests of one key at once', {
    fallbackHelp: 'any number',
  }),
  keyQueue: valueFlag('N', keyLimitChecks.queue, 'of them, requests that wait for a slot', {
    fallbackHelp: 'any number',
  }),
  keyTokensPerMinute: valueFlag(
    'N',
    keyLimitChecks.tokensPerMinute,
    'tokens that one key may use in a minute',
    { fallbackHelp: 'any number' },
  ),
  tlsCert: valueFlag('FILE', filePath, 'speak TLS by this certificate with its chain, PEM'),
  tlsKey: valueFlag('FILE', filePath, "the certificate's key, PEM"),
  isolateKeys: switchFlag('share computed prompts only between requests of one key'),
  page: valueFlag('MODE', oneOf('on', 'off'), 'the page for browsers at /: on or off', {
    fallback: 'on',
  }),
  openMetrics: switchFlag('serve GET /metrics without a key'),
  metricsPort: valueFlag('N', integerFrom(0, 65_535), 'a port for GET /metrics alone, no key', {
    fallbackHelp: 'none',
  }),
  metricsNames: valueFlag('WHOSE', oneOf('sluice', 'vllm'), 'names of metrics: sluice or vllm', {
    fallback: 'sluice',
  }),
  agentPort: valueFlag('N', integerFrom(0, 65_535), "a port for HAProxy's agent-check", {
    fallbackHelp: 'none',
  }),
  allowUnauthenticated: switchFlag('serve other machines without a key'),
  ...loadFlags({
    isolation: [
      'MODE',
      'where the engine computes: none (here), or process (one of its own)',
      'none; process where other machines compute too',
    ],
    queueDeadlineMs: ['MS', 'how long a request may wait'],
  }),
  readerStallMs: valueFlag('MS', milliseconds, 'how long a reader may take nothing', {
    fallback: 60_000,
  }),
  engineStallMs: valueFlag('MS', milliseconds, 'how long the engine may stand still', {
    fallback: 30_000,
  }),
  logFormat: valueFlag('FORMAT', oneOf('text', 'json'), 'of the log on stderr, text or json', {
    fallback: 'text',
  }),
  logLevel: valueFlag(
    'LEVEL',
    oneOf('debug', 'info', 'warn', 'error', 'silent'),
    'what is logged: debug (health and metrics too), info, warn, error or silent',
    { fallback: 'info' },
  ),
  drainMs: valueFlag('MS', integerFrom(0, int32Max), 'how long replies may go on after SIGTERM', {
    fallback: 30_000,
  }),
}

export const healthFlags = {
  host: valueFlag('HOST', hostName, 'address that the server listens on', {
    fallback: serveFlags.host.fallback,
  }),
  port: valueFlag('N', integerFrom(1, 65_535), 'port that it listens on', {
    fallback: serveFlags.port.fallback,
  }),
  tlsCert: valueFlag('FILE', filePath, "the server's certificate, PEM: it speaks TLS"),
  apiKeyFile: valueFlag('FILE', filePath, "the server's keys, so that it says why it is not well", {
    fallbackHelp: 'SLUICE_API_KEY',
  }),
  timeoutMs: valueFlag('MS', milliseconds, 'how long to wait for an answer', { fallback: 5000 }),
}

export const doctorFlags = {
  ...modelFlags,
  model: valueFlag('FILE', modelGiven, 'the model: a GGUF file, or hf:OWNER/REPO:QUANT', {
    fallbackHelp: 'none',
  }),
  parallel: parallel(loadDefaults.parallel),
  kvCells: serveFlags.kvCells,
  embeddings: serveFlags.embeddings,
  json: switchFlag('print one JSON object, for programs'),
}

export const workerFlags = {
  host: valueFlag('HOST', hostName, 'address to listen on, of IPv4', { fallback: '127.0.0.1' }),
  port: valueFlag('N', integerFrom(0, 65_535), 'port to listen on, 0 picks one', {
    fallback: 50_052, // rpc-server's
  }),
  trustedNetwork: switchFlag('serve other machines, which may run code here: there is no key'),
  gpu: modelFlags.gpu,
  // ggml's server makes its threads anew for each graph, where they mostly begin on one core.
  threads: valueFlag('N', loadChecks.threads, 'compute threads, where the processor computes', {
    fallbackHelp: 'half of the cores',
  }),
  weightsDir: valueFlag('DIR', folderPath, 'a folder that keeps large weights for the next load', {
    fallbackHelp: 'none, they are sent each time',
  }),
}

/** `pull` takes a name alone: where it goes is the Hub's variables' business. */
export const pullFlags = {}

export const listFlags = { json: doctorFlags.json }

export const removeFlags = {
  all: switchFlag("all of a repository's models"),
}

const { model: _, ...showFlagsOfDoctor } = doctorFlags
export const showFlags = showFlagsOfDoctor
