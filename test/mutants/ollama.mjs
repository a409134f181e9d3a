// What spoils the checks of Ollama's API and of LM Studio's lists: 74 to 80.

const stream = 'test/http/ollama/stream.test.ts'
const chat = 'test/http/ollama/chat.test.ts'
const models = 'test/http/ollama/models.test.ts'
const changes = 'test/http/ollama/changes.test.ts'
const lists = 'test/http/lm-studio/models.test.ts'
const writer = 'src/apis/ollama/writer.ts'

/** @type {readonly import('./mutants.mjs').Mutant[]} */
export const ollamaMutants = [
  {
    check: 74,
    file: writer,
    find: '    done: true,\n',
    replace: '    done: false,\n',
    tests: stream,
  },
  {
    check: 75,
    file: writer,
    find: "return this.#text('')",
    replace: "return '\\n'",
    tests: stream,
  },
  {
    check: 75,
    file: 'src/apis/ollama/reply.ts',
    find: 'ping: () => lines.ping() }',
    replace: "ping: () => ': ping\\n' }",
    tests: stream,
  },
  {
    check: 76,
    file: 'src/apis/ollama/errors.ts',
    find: 'return { error: message }',
    replace: 'return { error: { message } } as never',
    tests: stream,
  },
  {
    check: 76,
    file: 'src/web/early.ts',
    find: 'headers: early.headers ?? eventStream',
    replace: 'headers: eventStream',
    tests: stream,
  },
  {
    check: 77,
    file: writer,
    find: 'if (!isRecord(given)) return []',
    replace: 'if (!isRecord(given)) return [{ function: { arguments: {} } }]',
    tests: chat,
  },
  {
    check: 77,
    file: writer,
    find: 'whole.push(...this.last())',
    replace: 'this.last()',
    tests: chat,
  },
  {
    check: 78,
    file: 'src/pool/pool.ts',
    find: 'const asked = keptMs ?? (',
    replace: 'const asked = (',
    tests: models,
  },
  {
    check: 78,
    file: 'src/apis/ollama/keep-alive.ts',
    find: 'ms < 0 ? Number.POSITIVE_INFINITY : ms',
    replace: 'ms',
    tests: models,
  },
  {
    check: 79,
    file: 'src/apis/ollama/pull.ts',
    find: 'if (settings.allowPull) return',
    replace: 'if (!settings.allowPull) return',
    tests: changes,
  },
  {
    check: 80,
    file: 'src/apis/lm-studio/models.ts',
    find: "state: isLoaded ? 'loaded' : 'not-loaded'",
    replace: "state: isLoaded ? 'not-loaded' : 'loaded'",
    tests: lists,
  },
  {
    check: 80,
    file: 'src/apis/lm-studio/models.ts',
    find: '{ max_context_length: known.context }',
    replace: '{ max_context_length: known.model.trainedContext }',
    tests: lists,
  },
]
