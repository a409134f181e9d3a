import { defineConfig } from 'vitest/config'

const processes = ['lifecycle', 'examples', 'package', 'runtimes', 'e2e'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
)
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
          exclude: [...processes, ...long],
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
        test: {
          name: 'long',
          include: long,
          testTimeout: 30 * 60_000,
          hookTimeout: 5 * 60_000,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
