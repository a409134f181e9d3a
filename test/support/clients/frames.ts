// What a server of each wire sends, as small as clients take it.

export type Wire = 'chat' | 'responses' | 'messages'

/** A text in two pieces, and the call that is cut in its arguments. */
export const pieces = ['Hel', 'lo']
export const cutArguments = '{"city": "Os'
const fault = { message: 'it broke', type: 'server_error', param: null, code: 'engine_failed' }

/** One event. Without a name it has no line `event:`. */
export function frame(data: object | string, name?: string): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data)
  return `${name === undefined ? '' : `event: ${name}\n`}data: ${text}\n\n`
}

/** A stream's frames by what they are for, so that a case leaves some out or puts some between. */
export interface Frames {
  readonly opening: string
  /** The two pieces of the text. */
  readonly text: readonly [string, string]
  /** Behind the text: its end, and the reply's. */
  readonly ending: string
  /** What says that nothing follows: `[DONE]`, `response.completed`, `message_stop`. */
  readonly last: string
  /** A call whose arguments are cut, up to the end of the stream. */
  readonly cutCall: string
  readonly unknown: string
  /** An error as the wire has it, and the end of what it ends. */
  readonly failure: string
}

const chatHead = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm' }

export function chatChunk(choices: object[], more: object = {}): string {
  return frame({ ...chatHead, choices, ...more })
}

export function delta(index: number, fields: object, finish_reason: string | null = null): object {
  return { index, delta: fields, finish_reason }
}

const done = frame('[DONE]')
const cutFunction = { name: 'get_weather', arguments: cutArguments }

export const chat: Frames = {
  opening: chatChunk([delta(0, { role: 'assistant', content: '' })]),
  text: [
    chatChunk([delta(0, { content: pieces[0] })]),
    chatChunk([delta(0, { content: pieces[1] })]),
  ],
  ending: chatChunk([delta(0, {}, 'stop')]),
  last: done,
  cutCall:
    chatChunk([
      delta(0, {
        tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: cutFunction }],
      }),
    ]) +
    chatChunk([delta(0, {}, 'length')]) +
    done,
  unknown: frame({ type: 'something.new' }, 'something.new'),
  failure: frame({ error: fault }),
}

const noUsage = {
  input_tokens: 1,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 1,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 2,
}

function response(status: string, output: object[], more: object = {}): object {
  return {
    id: 'resp_1',
    object: 'response',
    created_at: 1,
    model: 'm',
    status,
    output,
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    parallel_tool_calls: true,
    temperature: 1,
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    usage: status === 'in_progress' ? null : noUsage,
    ...more,
  }
}

const textAt = { item_id: 'msg_1', output_index: 0, content_index: 0 }

function textItem(status: string, text?: string): object {
  const content = text === undefined ? [] : [textPart(text)]
  return { type: 'message', id: 'msg_1', role: 'assistant', status, content }
}

function textPart(text: string): object {
  return { type: 'output_text', text, annotations: [], logprobs: [] }
}

function callItem(status: string, json: string): object {
  const named = { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'get_weather' }
  return { ...named, arguments: json, status }
}

/** Events of a response; numbers are given in the order in which they are asked for. */
function responseFrames(named: boolean): Frames {
  let number = 0
  const event = (type: string, fields: object) =>
    frame({ type, sequence_number: number++, ...fields }, named ? type : undefined)
  const whole = pieces.join('')
  const opening =
    event('response.created', { response: response('in_progress', []) }) +
    event('response.in_progress', { response: response('in_progress', []) })
  const before =
    event('response.output_item.added', { output_index: 0, item: textItem('in_progress') }) +
    event('response.content_part.added', { ...textAt, part: textPart('') })
  const piece = (text?: string) =>
    event('response.output_text.delta', { ...textAt, delta: text, logprobs: [] })
  const text: [string, string] = [before + piece(pieces[0]), piece(pieces[1])]
  const item = textItem('completed', whole)
  const ending =
    event('response.output_text.done', { ...textAt, text: whole, logprobs: [] }) +
    event('response.content_part.done', { ...textAt, part: textPart(whole) }) +
    event('response.output_item.done', { output_index: 0, item })
  const last = event('response.completed', { response: response('completed', [item]) })
  const cut = callItem('incomplete', cutArguments)
  const at = { item_id: 'fc_1', output_index: 0 }
  const limit = { incomplete_details: { reason: 'max_output_tokens' } }
  const cutCall =
    event('response.output_item.added', { output_index: 0, item: callItem('in_progress', '') }) +
    event('response.function_call_arguments.delta', { ...at, delta: cutArguments }) +
    event('response.function_call_arguments.done', {
      ...at,
      name: 'get_weather',
      arguments: cutArguments,
    }) +
    event('response.output_item.done', { output_index: 0, item: cut }) +
    event('response.incomplete', { response: response('incomplete', [cut], limit) })
  const { message, code } = fault
  const failed = { error: { code: 'server_error', message }, usage: null }
  const failure =
    event('error', { code, message, param: null }) +
    event('response.failed', { response: response('failed', [], failed) })
  const unknown = event('response.something.new', {})
  return { opening, text, ending, last, cutCall, unknown, failure }
}

export const responses = responseFrames(true)
export const responsesUnnamed = responseFrames(false)
/** As OpenAI's servers, and ours, send it in a silence. */
export const keepalive = frame({ type: 'keepalive', sequence_number: 0 }, 'keepalive')

function messageFrames(named: boolean): Frames {
  const event = (type: string, fields: object = {}) =>
    frame({ type, ...fields }, named ? type : undefined)
  const usage = { input_tokens: 1, output_tokens: 1 }
  const stop = (stop_reason: string | null) => ({ stop_reason, stop_sequence: null })
  const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [],
    ...stop(null),
    usage,
  }
  const start = (content_block: object) => event('content_block_start', { index: 0, content_block })
  const piece = (delta: object) => event('content_block_delta', { index: 0, delta })
  const text = (one?: string) => piece({ type: 'text_delta', text: one })
  const end = (reason: string) =>
    event('content_block_stop', { index: 0 }) +
    event('message_delta', { delta: stop(reason), usage: { output_tokens: 2 } })
  const last = event('message_stop')
  return {
    opening: event('message_start', { message }),
    text: [start({ type: 'text', text: '' }) + text(pieces[0]), text(pieces[1])],
    ending: end('end_turn'),
    last,
    cutCall:
      start({ type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: {} }) +
      piece({ type: 'input_json_delta', partial_json: cutArguments }) +
      end('max_tokens') +
      last,
    unknown: event('something_new', { index: 0 }),
    failure: event('error', { error: { type: 'api_error', message: fault.message } }),
  }
}

export const messages = messageFrames(true)
export const messagesUnnamed = messageFrames(false)

const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }
const said = { role: 'assistant', content: pieces.join('') }
const choice = { index: 0, message: said, finish_reason: 'stop' }

/** The text in one piece, for who asks for no stream. */
export const unstreamed: Readonly<Record<Wire, object>> = {
  chat: { ...chatHead, object: 'chat.completion', choices: [choice], usage },
  responses: response('completed', [textItem('completed', pieces.join(''))]),
  messages: {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [{ type: 'text', text: pieces.join('') }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  },
}
