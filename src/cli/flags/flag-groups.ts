import type {
  chatFlags,
  doctorFlags,
  healthFlags,
  removeFlags,
  runFlags,
  samplingFlags,
  serveFlags,
  workerFlags,
} from '../../options/command-flags.js'

/** Headings of the help, in the order in which they stand there. */
export const groups = [
  'Prompt',
  'Output',
  'Model',
  'Server',
  'Access',
  'Replies',
  'Memory',
  'GPU',
  'Speed',
  'Limits',
  'Log',
] as const

type Group = (typeof groups)[number]
type Key =
  | keyof typeof runFlags
  | keyof typeof chatFlags
  | keyof typeof serveFlags
  | keyof typeof doctorFlags
  | keyof typeof healthFlags
  | keyof typeof removeFlags
  | keyof typeof workerFlags

/** All flags but those of sampling options, which are of "Replies". */
const placed: Readonly<Record<Exclude<Key, keyof typeof samplingFlags>, Group>> = {
  system: 'Prompt',
  systemFile: 'Prompt',
  file: 'Prompt',
  noHistory: 'Prompt',
  schema: 'Output',
  json: 'Output',
  model: 'Model',
  all: 'Model',
  lora: 'Model',
  config: 'Model',
  idleUnload: 'Memory',
  memoryMib: 'Memory',
  chatTemplateFile: 'Model',
  embeddings: 'Model',
  host: 'Server',
  port: 'Server',
  alias: 'Server',
  anyModel: 'Server',
  drainMs: 'Server',
  page: 'Server',
  agentPort: 'Server',
  metricsPort: 'Server',
  metricsNames: 'Server',
  apiKeyFile: 'Access',
  isolateKeys: 'Access',
  keyRequests: 'Access',
  keyQueue: 'Access',
  keyTokensPerMinute: 'Access',
  tlsCert: 'Server',
  tlsKey: 'Server',
  timeoutMs: 'Limits',
  openMetrics: 'Access',
  allowUnauthenticated: 'Access',
  trustedNetwork: 'Access',
  allowPull: 'Access',
  allowHost: 'Access',
  allowOrigin: 'Access',
  maxTokens: 'Replies',
  thinking: 'Replies',
  reasoningBudget: 'Replies',
  reasoningBudgetMessage: 'Replies',
  context: 'Memory',
  parallel: 'Memory',
  kvCells: 'Memory',
  kvType: 'Memory',
  cacheMib: 'Memory',
  cacheDir: 'Memory',
  cacheDiskGib: 'Memory',
  gpu: 'GPU',
  gpuLayers: 'GPU',
  splitMode: 'GPU',
  mainGpu: 'GPU',
  tensorSplit: 'GPU',
  rpc: 'GPU',
  rpcWaitMs: 'Limits',
  weightsDir: 'Memory',
  threads: 'Speed',
  poll: 'Speed',
  priority: 'Speed',
  flashAttention: 'Speed',
  draft: 'Speed',
  lookup: 'Speed',
  mtp: 'Speed',
  draftMax: 'Speed',
  queue: 'Limits',
  isolation: 'Server',
  queueDeadlineMs: 'Limits',
  window: 'Limits',
  bodyMib: 'Limits',
  responseStore: 'Replies',
  toolsFallback: 'Replies',
  responseStoreMib: 'Limits',
  toolsMax: 'Limits',
  toolBytesMax: 'Limits',
  toolWorkMax: 'Limits',
  readerStallMs: 'Limits',
  engineStallMs: 'Limits',
  logFormat: 'Log',
  logLevel: 'Log',
}

export function groupOf(key: string): Group {
  return (placed as Readonly<Record<string, Group>>)[key] ?? 'Replies'
}
