import { describe, expect, test } from 'vitest'
import { runFlags, serveFlags } from '../../src/options/command-flags.js'
import { environmentName, flagName, settleFlags } from '../../src/options/flags.js'

/** A value that each flag takes, as text and as it is read. */
const examples: Record<string, [text: string, value: unknown]> = {
  model: ['m.gguf', ['m.gguf']],
  config: ['models.json', 'models.json'],
  memoryMib: ['4096', 4096],
  idleUnload: ['600', 600],
  chatTemplateFile: ['a.jinja', 'a.jinja'],
  context: ['512', 512],
  threads: ['3', 3],
  poll: ['0', 0],
  priority: ['low', 'low'],
  gpu: ['cuda', 'cuda'],
  gpuLayers: ['-1', -1],
  splitMode: ['layer', 'layer'],
  mainGpu: ['1', 1],
  tensorSplit: ['3,1', '3,1'],
  rpc: ['gpu-box:50052,10.0.0.2:50052', 'gpu-box:50052,10.0.0.2:50052'],
  rpcWaitMs: ['1000', 1000],
  flashAttention: ['off', 'off'],
  kvType: ['q8_0', 'q8_0'],
  draft: ['d.gguf', 'd.gguf'],
  lora: ['red=a.gguf@0.5', ['red=a.gguf@0.5']],
  lookup: ['true', true],
  mtp: ['true', true],
  draftMax: ['4', 4],
  toolsFallback: ['true', true],
  toolsMax: ['200', 200],
  toolBytesMax: ['4096', 4096],
  toolWorkMax: ['100', 100],
  embeddings: ['off', 'off'],
  kvCells: ['4096', 4096],
  cacheMib: ['256', 256],
  cacheDir: ['states', 'states'],
  cacheDiskGib: ['0.5', 0.5],
  parallel: ['8', 8],
  queue: ['0', 0],
  window: ['16', 16],
  temperature: ['0.5', 0.5],
  topK: ['40', 40],
  topP: ['0.9', 0.9],
  minP: ['0.05', 0.05],
  repeatPenalty: ['1.1', 1.1],
  seed: ['-7', -7],
  maxTokens: ['200', 200],
  thinking: ['off', 'off'],
  reasoningBudget: ['0', 0],
  reasoningBudgetMessage: ['\nEnough.', '\nEnough.'],
  host: ['::1', '::1'],
  port: ['0', 0],
  alias: ['gemma', ['gemma']],
  anyModel: ['true', true],
  allowPull: ['true', true],
  allowHost: ['box.local', ['box.local']],
  allowOrigin: ['https://app.example', ['https://app.example']],
  bodyMib: ['64', 64],
  responseStore: ['100', 100],
  responseStoreMib: ['8', 8],
  apiKeyFile: ['keys', 'keys'],
  isolateKeys: ['true', true],
  keyRequests: ['4', 4],
  keyQueue: ['8', 8],
  keyTokensPerMinute: ['20000', 20000],
  tlsCert: ['cert.pem', 'cert.pem'],
  tlsKey: ['key.pem', 'key.pem'],
  openMetrics: ['true', true],
  metricsPort: ['9090', 9090],
  metricsNames: ['vllm', 'vllm'],
  agentPort: ['0', 0],
  page: ['off', 'off'],
  allowUnauthenticated: ['true', true],
  isolation: ['process', 'process'],
  queueDeadlineMs: ['1000', 1000],
  readerStallMs: ['1000', 1000],
  engineStallMs: ['1000', 1000],
  logFormat: ['json', 'json'],
  logLevel: ['warn', 'warn'],
  drainMs: ['0', 0],
}

test('the settings that the commands are known by are there', () => {
  expect(Object.keys(serveFlags).sort()).toEqual(Object.keys(examples).sort())
  expect(Object.keys(runFlags)).toEqual(expect.arrayContaining(['model', 'seed', 'maxTokens']))
})

describe.each(Object.entries(examples))('%s', (key, [text, value]) => {
  const given = Array.isArray(value) ? [text] : text

  test('is read from the command line', () => {
    expect(settleFlags(serveFlags, { [key]: given }, {})).toHaveProperty(key, value)
  })

  test('is read from the environment', () => {
    const settled = settleFlags(serveFlags, {}, { [environmentName(key)]: text })
    expect(settled).toHaveProperty(key, value)
  })

  test('is taken from the command line where both are given', () => {
    const other = { [environmentName(key)]: 'not even valid' }
    expect(settleFlags(serveFlags, { [key]: given }, other)).toHaveProperty(key, value)
  })
})

test('the names of flags and variables follow from the key', () => {
  expect(flagName('gpuLayers')).toBe('--gpu-layers')
  expect(environmentName('gpuLayers')).toBe('SLUICE_GPU_LAYERS')
  expect(environmentName('topP')).toBe('SLUICE_TOP_P')
  expect(flagName('cacheMib')).toBe('--cache-mib')
})

test('the defaults hold without any flag, and what the engine settles is left out', () => {
  expect(settleFlags(serveFlags, {}, {})).toEqual({
    lora: [],
    page: 'on',
    poll: 0,
    priority: 'normal',
    gpu: 'auto',
    gpuLayers: -1,
    kvType: 'f16',
    flashAttention: 'auto',
    lookup: false,
    mtp: false,
    toolsFallback: false,
    model: [],
    parallel: 4,
    cacheDiskGib: 10,
    embeddings: 'auto',
    queue: 64,
    window: 64,
    toolsMax: 1024,
    toolBytesMax: 2 ** 20,
    toolWorkMax: 10_000,
    host: '127.0.0.1',
    port: 8080,
    alias: [],
    allowPull: false,
    allowHost: [],
    allowOrigin: [],
    anyModel: false,
    bodyMib: 32,
    responseStore: 0,
    responseStoreMib: 64,
    isolateKeys: false,
    openMetrics: false,
    metricsNames: 'sluice',
    allowUnauthenticated: false,
    rpcWaitMs: 60_000,
    queueDeadlineMs: 60_000,
    readerStallMs: 60_000,
    engineStallMs: 30_000,
    logFormat: 'text',
    logLevel: 'info',
    drainMs: 30_000,
    thinking: 'on',
    reasoningBudget: -1,
  })
})

test('models of a variable stand with commas between, which a path may have too', () => {
  const models = (text: string) => settleFlags(serveFlags, {}, { SLUICE_MODEL: text }).model
  expect(models('a=1,5.gguf,b=2.gguf')).toEqual(['a=1,5.gguf', 'b=2.gguf'])
  expect(models('one,two.gguf')).toEqual(['one,two.gguf'])
})

test('an empty variable is as good as none', () => {
  expect(settleFlags(serveFlags, {}, { SLUICE_PORT: '' }).port).toBe(8080)
})

test('a list in the environment has commas between', () => {
  const { alias } = settleFlags(serveFlags, {}, { SLUICE_ALIAS: 'gemma-4-26b, gpt' })
  expect(alias).toEqual(['gemma-4-26b', 'gpt'])
})

test.each([
  ['1', true],
  ['true', true],
  ['0', false],
  ['false', false],
])('a switch in the environment may say %s', (text, value) => {
  const variables = { SLUICE_ALLOW_UNAUTHENTICATED: text }
  expect(settleFlags(serveFlags, {}, variables).allowUnauthenticated).toBe(value)
})

test.each([
  ['--parallel', { parallel: '0' }, {}],
  ['--parallel', { parallel: 'four' }, {}],
  ['--parallel', { parallel: ' ' }, {}],
  ['--port', { port: '65536' }, {}],
  ['--temperature', { temperature: '100.5' }, {}],
  ['--kv-type', { kvType: 'f32' }, {}],
  ['--gpu', { gpu: 'false' }, {}],
  ['--split-mode', { splitMode: 'row' }, {}],
  ['--main-gpu', { mainGpu: '-1' }, {}],
  ['--tensor-split', { tensorSplit: '3,,1' }, {}],
  ['--tensor-split', { tensorSplit: '3,x' }, {}],
  ['--flash-attention', { flashAttention: 'true' }, {}],
  ['--draft-max', { draftMax: '17' }, {}],
  ['--embeddings', { embeddings: 'yes' }, {}],
  ['--host', { host: 'http://x' }, {}],
  ['--alias', { alias: [''] }, {}],
  ['SLUICE_PARALLEL', {}, { SLUICE_PARALLEL: '0' }],
  ['SLUICE_ALLOW_UNAUTHENTICATED', {}, { SLUICE_ALLOW_UNAUTHENTICATED: 'maybe' }],
  ['SLUICE_ALIAS', {}, { SLUICE_ALIAS: 'a,,b' }],
])('a wrong value is refused in the name of where it stands: %s %j %j', (name, given, env) => {
  expect(() => settleFlags(serveFlags, given, env)).toThrow(
    expect.objectContaining({
      code: 'ERR_INVALID_OPTION',
      option: name,
      message: expect.stringMatching(`^'${name}': expected .+, but got .+`),
    }),
  )
})
