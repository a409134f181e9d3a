// Design's 43 checks of the wire (docs/progress.md names them), and for each one line of the code
// that it guards, spoiled. `npm run test:mutants` wants each of these to be noticed.

/**
 * @typedef {object} Mutant
 * @property {number} check whose tests must notice: those with its number in front of their name
 * @property {string} file
 * @property {string} find stands in the file exactly once
 * @property {string} replace the same, with one line of it spoiled
 * @property {string} tests the file of those tests
 */

const framing = 'test/http/framing.test.ts'
const errors = 'test/http/errors.test.ts'
const cancel = 'test/http/cancel.test.ts'
const flow = 'test/http/flow.test.ts'
const operations = 'test/http/operations.test.ts'
const native = 'test/native/native.test.ts'
const realStream = 'test/e2e/http/stream.test.ts'
const realLeave = 'test/e2e/http/leave.test.ts'

/** @type {readonly Mutant[]} */
export const mutants = [
  {
    check: 1,
    file: 'src/http/sse-writer.ts',
    find: "'cache-control': 'no-cache',",
    replace: "'cache-control': 'public',",
    tests: framing,
  },
  {
    check: 2,
    file: 'src/openai/frames.ts',
    find: 'if (!/[\\u0085\\u2028\\u2029]/.test(json)) return json',
    replace: 'return json',
    tests: framing,
  },
  {
    check: 3,
    file: 'src/openai/chat/chunks.ts',
    find: 'return finish + doneFrame',
    replace: 'return doneFrame + finish',
    tests: framing,
  },
  {
    check: 4,
    file: 'src/http/sse-writer.ts',
    find: 'this.#res.end(frames)',
    replace: 'this.#res.write(frames), setTimeout(() => this.#res.end(), 10)',
    tests: framing,
  },
  {
    check: 5,
    file: 'native/engine/text-stream.cpp',
    find: '      if (partial_.size() < partial_length_) return;\n',
    replace: '\n',
    tests: realStream,
  },
  {
    check: 6,
    file: 'src/openai/chat/chunks.ts',
    find: "',\"usage\":null' : ''}}\\n\\n`",
    replace: "',\"usage\":null' : ''}}\\n`",
    tests: 'test/http/sdk.test.ts',
  },
  {
    check: 7,
    file: 'src/openai/chat/chunks.ts',
    find: '"finish_reason":null${',
    replace: '"finish_reason":""${',
    tests: framing,
  },
  {
    check: 8,
    file: 'src/openai/chat/chunks.ts',
    find: 'return this.#opening + choice',
    replace: "return this.#opening.replace('chatcmpl-', 'chatcmpl-0') + choice",
    tests: framing,
  },
  {
    check: 9,
    file: 'src/openai/chat/chunks.ts',
    find: '\'{"role":"assistant","content":""}\'',
    replace: '\'{"content":""}\'',
    tests: framing,
  },
  {
    check: 10,
    file: 'src/openai/chat/chunks.ts',
    find: "const finish = this.#choice('{}', ",
    replace: "const finish = this.#choice('{}', 'null' || ",
    tests: framing,
  },
  {
    check: 11,
    file: 'src/openai/generation.ts',
    find: 'seed: request.seed,',
    replace: 'seed: undefined,',
    tests: realStream,
  },
  {
    check: 12,
    file: 'src/http/chat.ts',
    find: 'include_usage ?? false',
    replace: 'include_usage ?? true',
    tests: framing,
  },
  {
    check: 13,
    file: 'src/openai/usage.ts',
    find: 'prompt_tokens: promptTokens,',
    replace: 'prompt_tokens: promptTokens - 1,',
    tests: realStream,
  },
  {
    check: 17,
    file: 'native/engine/text-stream.cpp',
    find: 'release(held_back);',
    replace: 'release(0);',
    tests: realStream,
  },
  {
    check: 18,
    file: 'src/http/chat.ts',
    find: 'requestOptions(request, maxTokens)',
    replace: 'requestOptions(request, undefined)',
    tests: operations,
  },
  {
    check: 19,
    file: 'src/openai/fields.ts',
    find: 'schema.nullish()',
    replace: 'schema.optional()',
    tests: 'test/openai/schema.test.ts',
  },
  {
    check: 20,
    file: 'src/http/chat.ts',
    find: 'exchange.noteAccepted(await reply.accepted)',
    replace: '',
    tests: errors,
  },
  {
    check: 21,
    file: 'src/openai/errors.ts',
    find: 'return { error: { message, type, param, code } }',
    replace: 'return { error: { message, type, param } as never }',
    tests: errors,
  },
  {
    check: 22,
    file: 'src/http/keys.ts',
    find: 'if (this.#has(given)) return given',
    replace: 'return given',
    tests: errors,
  },
  {
    check: 23,
    file: 'src/http/body.ts',
    find: 'if (bytes > bytesMax) settle',
    replace: 'if (bytes > bytesMax + 1) settle',
    tests: 'test/http/door.test.ts',
  },
  {
    check: 24,
    file: 'src/http/sse-writer.ts',
    find: 'this.end(errorFrame(error))',
    replace: "this.end(errorFrame(error).concat('data: [DONE]', '\\n\\n'))",
    tests: errors,
  },
  {
    check: 25,
    file: 'src/http/exchange.ts',
    find: "res.setHeader('x-request-id', this.requestId)",
    replace: '',
    tests: errors,
  },
  {
    check: 26,
    file: 'src/http/exchange.ts',
    find: 'if (!this.#isSent) this.#abort.abort(new ClientGone())',
    replace: '',
    tests: cancel,
  },
  {
    check: 27,
    file: 'src/engine/reply.ts',
    find: 'this.#session.cancel(this.#id)\n    this.#buffer.clear()',
    replace: '\n    this.#buffer.clear()',
    tests: cancel,
  },
  {
    check: 28,
    file: 'native/engine/step-loop.cpp',
    find: '    retire_cancelled();\n    fill_places();',
    replace: '\n    fill_places();',
    tests: realLeave,
  },
  {
    check: 29,
    file: 'src/http/chat.ts',
    find: '...requestOptions(request, maxTokens), signal }',
    replace: '...requestOptions(request, maxTokens), ...(request.stream ? { signal } : {}) }',
    tests: cancel,
  },
  {
    check: 30,
    file: 'native/engine/ledger.cpp',
    find: 'if (requests_.erase(id) == 0) return false;',
    replace: 'if (outcome != Outcome::cancelled && requests_.erase(id) == 0) return false;',
    tests: realLeave,
  },
  {
    check: 31,
    file: 'src/http/exchange.ts',
    find: 'this.#isSent = !req.socket.destroyed',
    replace: 'this.#isSent = req.socket.destroyed',
    tests: cancel,
  },
  {
    check: 32,
    file: 'src/http/replies.ts',
    find: 'await watch.pause(writer.drain(signal))',
    replace: 'await watch.pause(Promise.resolve())',
    tests: flow,
  },
  {
    check: 33,
    file: 'src/engine/session.ts',
    find: 'if (reply.taken * 2 < this.#window) return',
    replace: 'if (reply.taken < this.#window * 2) return',
    tests: flow,
  },
  {
    check: 34,
    file: 'src/http/reader-watch.ts',
    find: 'if (still < looks) return',
    replace: 'if (still < looks * 100) return',
    tests: flow,
  },
  {
    check: 35,
    file: 'src/http/sse-writer.ts',
    find: "res.on('drain', settle)",
    replace: '',
    tests: flow,
  },
  {
    check: 36,
    file: 'src/http/chat.ts',
    find: 'exchange.noteAccepted(await reply.accepted)',
    replace: 'await reply.done',
    tests: framing,
  },
  {
    check: 37,
    file: 'src/http/sse-writer.ts',
    find: 'write(frames: string): boolean {\n    this.#silence.refresh()',
    replace: 'write(frames: string): boolean {\n',
    tests: framing,
  },
  {
    check: 38,
    file: 'src/http/engine-watch.ts',
    find: 'else if (++this.#still >= looks) {',
    replace: 'else if (++this.#still >= looks * 100) {',
    tests: flow,
  },
  {
    check: 39,
    file: 'src/openai/errors.ts',
    find: "queue_full: [429, 'rate_limit_error'",
    replace: "queue_full: [503, 'rate_limit_error'",
    tests: errors,
  },
  {
    check: 40,
    file: 'native/engine/scheduler.cpp',
    find: '    reserved = rows / 2;',
    replace: '    reserved = 0;',
    tests: native,
  },
  {
    check: 41,
    file: 'src/http/app.ts',
    find: 'if (this.#isDraining || this.#models?.engine.closed === true)',
    replace: 'if (this.#models?.engine.closed === true)',
    tests: operations,
  },
  {
    check: 42,
    file: 'src/http/dispatch.ts',
    find: "if (app.isDraining) res.setHeader('connection', 'close')",
    replace: "res.setHeader('connection', 'close')",
    tests: operations,
  },
  {
    check: 43,
    file: 'native/engine/ledger.cpp',
    find: '++stats_.cancelled;',
    replace: ';',
    tests: native,
  },
]
