// What spoils the checks of fetchHandler and sluice/ai-sdk: 69 to 73.

const flow = 'test/http/fetch/flow.test.ts'
const provider = 'test/ai-sdk/replies.test.ts'

/** @type {readonly import('./mutants.mjs').Mutant[]} */
export const inProcessMutants = [
  {
    check: 69,
    file: 'src/http/fetch/frame-stream.ts',
    find: '{ highWaterMark: 0 }',
    replace: '{ highWaterMark: 3 }',
    tests: flow,
  },
  {
    check: 70,
    file: 'src/http/fetch/frame-stream.ts',
    find: '  cancel(): void {\n    this.#end(false)',
    replace: '  cancel(): void {\n',
    tests: flow,
  },
  {
    check: 71,
    file: 'src/http/fetch/exchange.ts',
    find: "request.signal.addEventListener('abort', this.#onGone)",
    replace: '',
    tests: flow,
  },
  {
    check: 71,
    file: 'src/http/fetch/exchange.ts',
    find: 'if (request.signal.aborted) this.#onGone()',
    replace: '',
    tests: flow,
  },
  {
    check: 72,
    file: 'src/ai-sdk/language-model.ts',
    find: '{ highWaterMark: 0 }',
    replace: '{ highWaterMark: 3 }',
    tests: provider,
  },
  {
    check: 72,
    file: 'src/ai-sdk/reply-stream.ts',
    find: 'await this.#parts.return?.()',
    replace: '',
    tests: provider,
  },
  {
    check: 72,
    file: 'src/ai-sdk/options.ts',
    find: '    stop,\n    signal,',
    replace: '    stop,\n',
    tests: provider,
  },
  {
    check: 73,
    file: 'src/ai-sdk/reply-blocks.ts',
    find: '    if (block?.kind !== kind) {\n      started.push(...this.end())',
    replace: '    if (block?.kind !== kind) {\n',
    tests: provider,
  },
  {
    check: 73,
    file: 'src/ai-sdk/reply-blocks.ts',
    find: "input: input || '{}' }]",
    replace: "input: '{}' }]",
    tests: provider,
  },
  {
    check: 73,
    file: 'src/ai-sdk/reply-end.ts',
    find: 'noCache: promptTokens - cachedTokens',
    replace: 'noCache: promptTokens',
    tests: provider,
  },
]
