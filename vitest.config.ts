import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/longest-first.js'

const inFolders = (...names: string[]) => names.map((name) => `test/${name}/**/*.test.ts`)
const processes = inFolders('lifecycle', 'examples', 'package', 'runtimes', 'e2e')
/** Real engines and servers whose tests need no core, and none of this machine's memory, alone. */
const pairs = [
  ...inFolders('e2e/clients', 'e2e/engine/{chat,lora,queue}'),
  'test/e2e/engine/{batching,choices,decide,embed*,ends,exact,failed-calls,faults}.test.ts',
  'test/e2e/engine/{fuzz,logprobs,mtp,prompt*,rerank,samplers,speculation}.test.ts',
  'test/e2e/engine/load/{gguf-fuzz,kv-types,model-*,trained-context}.test.ts',
  'test/e2e/http/{choices,completions,embeddings,histories,messages,reasoning}.test.ts',
  'test/e2e/http/{responses,scores,structured,tokens,tools-fallback,words}.test.ts',
  'test/package/types.test.ts',
  'test/e2e/{ai-*,cli-*,langchain-*,one-seed,pull,silent-system,slots}.test.ts',
  ...inFolders('e2e/isolation', 'e2e/page', 'e2e/tools'),
  'test/examples/{docs,examples,pull-docs}.test.ts',
  'test/lifecycle/{engine-ends,isolated,past-listeners}.test.ts',
]
const overChannel = [
  'test/engine/{ended,engine-client,load,reply}.test.ts',
  'test/e2e/engine/{backpressure,choices,embeddings}.test.ts',
]
const overProcess = [
  'test/engine/{load,reply}.test.ts',
  ...overChannel.slice(1),
  'test/e2e/{cache-dir,engine/{queue/owners,lora/{replies,refused}}}.test.ts',
]
/** What stands in front of a listener of Node's, and what Node answers by itself. */
const nodeOnly = [
  'beside',
  'body-read',
  'operators/tls',
  'unrouted',
  'operators/long-frames',
  'mounted/{frameworks,routes,in-front}',
  'fetch/*',
].map((name) => `test/http/${name}.test.ts`)
/** They change nothing of their process, so they share it: imports took a third of their time. */
const shared = [
  ...inFolders('apis', 'docs', 'options', 'schema', 'wire'),
  'test/http/!(fault|flow|framing|leaks|operations|several-models).test.ts',
  'test/http/{decisions,messages,responses}/*.test.ts',
  'test/http/endpoints/!(completions|tool-load).test.ts',
  'test/http/ollama/!(models).test.ts',
]
/** What `npm test` asks again over fetch: streams, ends and bodies. The rest is test:long's. */
const carried = [
  'test/http/{answers,cancel,door,errors,fault,flow,framing,keys,leaks,metrics,page}.test.ts',
  'test/http/{operations,several-models}.test.ts',
  'test/http/{decisions/ends,messages/stream,mounted/drain,ollama/stream}.test.ts',
  'test/http/endpoints/{choices,completions,embeddings,sdk,tokens}.test.ts',
  'test/http/{engine/*,operators/deadline,responses/{events,leaving}}.test.ts',
]
const carriedFromEngines = [
  'test/e2e/http/{leave,queue,slow-reader,stream}.test.ts',
  'test/e2e/clients/{ai-sdk,openai}.test.ts',
]
const overFetch = ['test/support/test-addon.ts', 'test/support/adapters/over-fetch.ts']
const long = ['test/long/**/*.test.ts']
/** Only what hangs meets them: a machine may be slow, and busy with others, by any factor. */
const limits = { unit: 90_000, engine: 240_000 }
/** As eventually() looks, and not for a second only. */
const expects = { poll: { interval: 5, timeout: 60_000 } }

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        logLevel: 'error', // or it warns of source maps that other packages left out
        test: {
          name: 'unit',
          expect: expects,
          testTimeout: limits.unit,
          hookTimeout: limits.unit,
          // It imports JSON as only bundlers do.
          server: { deps: { inline: [/@actions/] } },
          include: ['test/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...processes, ...long, ...shared],
          maxWorkers: '100%',
          sequence: { groupOrder: 0 },
        },
      },
      {
        logLevel: 'error',
        test: {
          name: 'shared',
          isolate: false,
          expect: expects,
          testTimeout: limits.unit,
          hookTimeout: limits.unit,
          include: shared,
          maxWorkers: '100%',
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Two files at a time, after the quick ones.
        test: {
          name: 'pairs',
          include: pairs,
          setupFiles: ['test/support/test-addon.ts'],
          expect: expects,
          testTimeout: limits.engine,
          hookTimeout: limits.engine,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // Whole processes, and real engines that need the machine: one file at a time.
        test: {
          name: 'process',
          include: processes,
          exclude: ['**/node_modules/**', ...pairs],
          setupFiles: ['test/support/test-addon.ts'],
          expect: expects,
          testTimeout: limits.engine,
          hookTimeout: limits.engine,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
      {
        // Again, with the engine at the other end of a channel: see channel-port.ts.
        test: {
          name: 'channel',
          include: overChannel,
          setupFiles: ['test/support/test-addon.ts', 'test/support/channel-addon.ts'],
          expect: expects,
          testTimeout: limits.engine,
          hookTimeout: limits.engine,
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
      {
        // HTTP again, over the web-standard adapter: see test/support/adapters.
        test: {
          name: 'fetch',
          include: carried,
          setupFiles: overFetch,
          expect: expects,
          testTimeout: limits.engine,
          hookTimeout: limits.engine,
          maxWorkers: '100%',
          sequence: { groupOrder: 4 },
        },
      },
      {
        test: {
          name: 'fetch-process',
          include: carriedFromEngines,
          setupFiles: overFetch,
          expect: expects,
          testTimeout: limits.engine,
          hookTimeout: limits.engine,
          maxWorkers: 1,
          sequence: { groupOrder: 5 },
        },
      },
      {
        // The rest of it: part of `npm run test:long`.
        test: {
          name: 'long-fetch',
          include: inFolders('http', 'e2e/http', 'e2e/clients'),
          exclude: [...nodeOnly, ...carried, ...carriedFromEngines],
          setupFiles: overFetch,
          expect: expects,
          testTimeout: limits.engine,
          hookTimeout: limits.engine,
          maxWorkers: 1,
          sequence: { groupOrder: 8 },
        },
      },
      {
        // Again, with engines in processes of their own: part of `npm run test:long`.
        test: {
          name: 'long-isolated',
          include: overProcess,
          setupFiles: ['test/support/test-addon.ts', 'test/support/isolated/isolated-addon.ts'],
          expect: expects,
          testTimeout: limits.engine,
          hookTimeout: limits.engine,
          maxWorkers: 1,
          sequence: { groupOrder: 7 },
        },
      },
      {
        test: {
          name: 'long',
          include: long,
          testTimeout: 30 * 60_000,
          hookTimeout: 5 * 60_000,
          maxWorkers: 1,
          sequence: { groupOrder: 6 },
        },
      },
    ],
  },
})
