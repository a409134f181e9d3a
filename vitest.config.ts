import { defineConfig } from 'vitest/config'

const inFolders = (...names: string[]) => names.map((name) => `test/${name}/**/*.test.ts`)
const processes = inFolders('lifecycle', 'examples', 'package', 'runtimes', 'e2e')
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
  'mounted/{frameworks,routes,in-front}',
  'fetch/*',
].map((name) => `test/http/${name}.test.ts`)
const overFetch = ['test/support/test-addon.ts', 'test/support/adapters/over-fetch.ts']
const long = ['test/long/**/*.test.ts']

export default defineConfig({
  test: {
    projects: [
      {
        logLevel: 'error', // or it warns of source maps that other packages left out
        test: {
          name: 'unit',
          testTimeout: 20_000, // the machine may be busy
          // It imports JSON as only bundlers do.
          server: { deps: { inline: [/@actions/] } },
          include: ['test/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...processes, ...long],
          maxWorkers: '100%',
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Whole processes and real engines: one file at a time, after the quick ones.
        test: {
          name: 'process',
          include: processes,
          setupFiles: ['test/support/test-addon.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // Again, with the engine at the other end of a channel: see channel-port.ts.
        test: {
          name: 'channel',
          include: overChannel,
          setupFiles: ['test/support/test-addon.ts', 'test/support/channel-addon.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
      {
        // HTTP again, over the web-standard adapter: see test/support/adapters.
        test: {
          name: 'fetch',
          include: inFolders('http'),
          exclude: nodeOnly,
          setupFiles: overFetch,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: '100%',
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'fetch-process',
          include: inFolders('e2e/http', 'e2e/clients'),
          setupFiles: overFetch,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 1,
          sequence: { groupOrder: 4 },
        },
      },
      {
        // Again, with engines in processes of their own: part of `npm run test:long`.
        test: {
          name: 'long-isolated',
          include: overProcess,
          setupFiles: ['test/support/test-addon.ts', 'test/support/isolated/isolated-addon.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 1,
          sequence: { groupOrder: 6 },
        },
      },
      {
        test: {
          name: 'long',
          include: long,
          testTimeout: 30 * 60_000,
          hookTimeout: 5 * 60_000,
          maxWorkers: 1,
          sequence: { groupOrder: 5 },
        },
      },
    ],
  },
})
