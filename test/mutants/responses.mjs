// What spoils the checks of Responses: 44 to 53.

const events = 'test/http/responses/events.test.ts'
const faults = 'test/http/responses/faults.test.ts'
const tools = 'test/http/responses/tools.test.ts'
const store = 'test/http/responses/store.test.ts'
const counted = 'test/http/responses/input.test.ts'
const leaving = 'test/http/responses/leaving.test.ts'

/** @type {readonly import('./mutants.mjs').Mutant[]} */
export const responseMutants = [
  {
    check: 44,
    file: 'src/apis/openai/responses/output.ts',
    find: "hear.event('response.content_part.added', { ...this.#at, part: this.#part() })",
    replace: '',
    tests: events,
  },
  {
    check: 44,
    file: 'src/apis/openai/responses/writer.ts',
    find: "this.#event('response.in_progress', { response })",
    replace: '',
    tests: events,
  },
  {
    check: 45,
    file: 'src/apis/openai/responses/writer.ts',
    find: 'sequence_number: this.#number++, ...fields',
    replace: 'sequence_number: this.#number, ...fields',
    tests: events,
  },
  {
    check: 45,
    file: 'src/apis/openai/responses/writer.ts',
    find: 'opening + this.#number++ + place',
    replace: 'opening + this.#number + place',
    tests: faults,
  },
  {
    check: 45,
    file: 'src/apis/openai/responses/writer.ts',
    find: "this.#event('keepalive', {})",
    replace: "this.#frames += ': ping\\n\\n'",
    tests: leaving,
  },
  {
    check: 46,
    file: 'src/apis/openai/responses/output.ts',
    find: 'this.#at = { ...at, content_index: 0 }',
    replace: 'this.#at = { ...at, content_index: 1 }',
    tests: events,
  },
  {
    check: 46,
    file: 'src/apis/openai/responses/output.ts',
    find: 'output_index: this.#done.length',
    replace: 'output_index: 0',
    tests: faults,
  },
  {
    check: 46,
    file: 'src/apis/openai/responses/output.ts',
    find: '{ summary_index: 0 }',
    replace: '{ content_index: 0 }',
    tests: faults,
  },
  {
    check: 47,
    file: 'src/apis/openai/responses/response.ts',
    find: "return reason === 'length' ? 'incomplete' : 'completed'",
    replace: "return 'completed'",
    tests: faults,
  },
  {
    check: 47,
    file: 'src/apis/openai/responses/response.ts',
    find: "isCut ? { reason: 'max_output_tokens' } : null",
    replace: 'null',
    tests: events,
  },
  {
    check: 47,
    file: 'src/apis/openai/responses/writer.ts',
    find: "this.#event('response.failed', {",
    replace: "this.#event('response.completed', {",
    tests: faults,
  },
  {
    check: 48,
    file: 'src/apis/openai/responses/writer.ts',
    find: "this.#event('error', { code: code ?? null, message, param: field ?? null })",
    replace:
      "this.#event('error', { error: { code: code ?? null, message, param: field ?? null } })",
    tests: events,
  },
  {
    check: 48,
    file: 'src/apis/openai/responses/writer.ts',
    find: "this.#event('response.failed', { response: responseBody(this.#head, state) })",
    replace: '',
    tests: events,
  },
  {
    check: 49,
    file: 'src/apis/openai/responses/tool-names.ts',
    find: "namespace === undefined || namespace === '' ? name :",
    replace: "namespace !== '' ? name :",
    tests: tools,
  },
  {
    check: 49,
    file: 'src/apis/openai/responses/output.ts',
    find: '...(namespace ? { namespace } : {})',
    replace: '',
    tests: tools,
  },
  {
    check: 50,
    file: 'src/apis/openai/responses/tools.ts',
    find: "{ ...readCustom(given, at), kind: 'custom' }",
    replace: "{ ...readCustom(given, at), kind: 'function' }",
    tests: tools,
  },
  {
    check: 50,
    file: 'src/apis/openai/responses/custom-input.ts',
    find: "length > 6 && text[6] !== '\\\\'",
    replace: 'length > 5',
    tests: tools,
  },
  {
    check: 51,
    file: 'src/apis/openai/responses/output.ts',
    find: 'encrypted_content: sealed(text),',
    replace: '',
    tests: events,
  },
  {
    check: 51,
    file: 'src/apis/openai/responses/items.ts',
    find: '(sealed ?? textsIn(summary))',
    replace: 'textsIn(summary)',
    tests: events,
  },
  {
    check: 52,
    file: 'src/apis/openai/responses/store.ts',
    find: 'function keyOf(owner: string, id: string): string {',
    replace: "function keyOf(_: string, id: string, owner = ''): string {",
    tests: store,
  },
  {
    check: 52,
    file: 'src/apis/openai/responses/store.ts',
    find: '    this.#kept.delete(key)\n    turn.isDeleted = true\n',
    replace: '\n    turn.isDeleted = true\n',
    tests: store,
  },
  {
    check: 53,
    file: 'src/apis/openai/responses/handler.ts',
    find: 'engine.countTokens(messages, options)',
    replace: 'engine.countTokens(messages.slice(1), options)',
    tests: counted,
  },
  {
    check: 53,
    file: 'src/apis/openai/responses/handler.ts',
    find: 'const options = { ...conversationOptions(request), ...tools }',
    replace: 'const options = {}',
    tests: counted,
  },
]
