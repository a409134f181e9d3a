// What spoils the checks of Anthropic's Messages: 54 to 63.

const stream = 'test/http/messages/stream.test.ts'
const requests = 'test/http/messages/requests.test.ts'
const writer = 'test/apis/anthropic/writer.test.ts'
const errors = 'test/apis/anthropic/errors.test.ts'
const real = 'test/e2e/http/messages.test.ts'

/** @type {readonly import('./mutants.mjs').Mutant[]} */
export const messageMutants = [
  {
    check: 54,
    file: 'src/apis/anthropic/messages/writer.ts',
    find: 'const stopped = this.#stop()\n',
    replace: "const stopped = ''\n",
    tests: stream,
  },
  {
    check: 55,
    file: 'src/apis/anthropic/messages/writer.ts',
    find: "return frame('ping')",
    replace: "return ': ping\\n\\n'",
    tests: stream,
  },
  {
    check: 56,
    file: 'src/apis/anthropic/errors.ts',
    find: "return { type: 'error', error:",
    replace: 'return { type: types[kind], error:',
    tests: stream,
  },
  {
    check: 56,
    file: 'src/apis/anthropic/errors.ts',
    find: "queue_full: 'rate_limit_error'",
    replace: "queue_full: 'overloaded_error'",
    tests: errors,
  },
  {
    check: 56,
    file: 'src/apis/anthropic/errors.ts',
    find: '? overloaded : status',
    replace: '? status : status',
    tests: errors,
  },
  {
    check: 57,
    file: 'src/apis/anthropic/messages/writer.ts',
    find: 'toolBlock(id, name, {})',
    replace: "toolBlock(id, name, { city: '' })",
    tests: stream,
  },
  {
    check: 57,
    file: 'src/apis/anthropic/messages/writer.ts',
    find: 'partial_json: json }',
    replace: 'partial_json: json.trim().slice(1) }',
    tests: stream,
  },
  {
    check: 58,
    file: 'src/apis/anthropic/messages/writer.ts',
    find: "this.#open === 'thinking' ? this.#delta",
    replace: "this.#open === 'text' ? this.#delta",
    tests: stream,
  },
  {
    check: 58,
    file: 'src/apis/anthropic/messages/conversation.ts',
    find: "return thinking === '' ? (sealedText(signature) ?? '') : thinking",
    replace: 'return thinking',
    tests: stream,
  },
  {
    check: 59,
    file: 'src/apis/anthropic/messages/writer.ts',
    find: "stop('stop_sequence', stopString)",
    replace: "stop('end_turn')",
    tests: writer,
  },
  {
    check: 59,
    file: 'src/apis/anthropic/messages/schema.ts',
    find: 'stop: stop_sequences,',
    replace: 'stop: undefined,',
    tests: real,
  },
  {
    check: 60,
    file: 'src/apis/anthropic/messages/handler.ts',
    find: 'engine.countTokens(messages, options)',
    replace: 'engine.countTokens(messages.slice(-1), options)',
    tests: real,
  },
  {
    check: 60,
    file: 'src/apis/anthropic/messages/handler.ts',
    find: 'const options = { ...promptOptions(request, engine.model.canThink), ...prepared }',
    replace: 'const options = {}',
    tests: requests,
  },
  {
    check: 61,
    file: 'src/apis/anthropic/api.ts',
    find: 'if (own !== undefined) return',
    replace: "if (own === '') return",
    tests: requests,
  },
  {
    check: 61,
    file: 'src/apis/anthropic/api.ts',
    find: "headers['anthropic-version'] !== undefined",
    replace: "headers['anthropic-beta'] !== undefined",
    tests: requests,
  },
  {
    check: 61,
    file: 'src/apis/anthropic/models.ts',
    find: 'max_input_tokens: context',
    replace: 'max_input_tokens: null',
    tests: requests,
  },
  {
    check: 62,
    file: 'src/apis/anthropic/messages/conversation.ts',
    find: "const rest = first.replace(billingHeader, '')",
    replace: 'const rest = first',
    tests: real,
  },
  {
    check: 62,
    file: 'src/apis/anthropic/messages/conversation.ts',
    find: '      messages.push(message)\n',
    replace:
      "      message.role === 'system' ? messages.unshift(message) : messages.push(message)\n",
    tests: real,
  },
  {
    check: 63,
    file: 'src/apis/anthropic/errors.ts',
    find: "error.at('messages', tooLong(cause))",
    replace: "error.at('messages')",
    tests: stream,
  },
  {
    check: 63,
    file: 'src/apis/anthropic/errors.ts',
    find: 'Math.min(contextTokens, promptTokens - 1)',
    replace: 'contextTokens',
    tests: errors,
  },
]
