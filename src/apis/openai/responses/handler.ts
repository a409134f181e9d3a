import type { RequestNote } from '../../../api/types.js'
import { optionName } from '../../../options/spoken-names.js'
import { type Answer, json } from '../../../web/answer.js'
import type { Call } from '../../../web/call.js'
import { HttpError } from '../../../web/errors.js'
import { collected, streamed } from '../../../web/replies.js'
import type { KeptResponse, Service } from '../../api.js'
import { preparedTools, wireNotes } from '../../tool-list.js'
import { droppedNotes } from '../chat/truncation.js'
import { parseTextRequest } from '../compatibility.js'
import { formWords } from '../response-format.js'
import { type Conversation, conversationOf, type PlacedItem } from './conversation.js'
import { newId } from './ids.js'
import { type InputItem, itemsMax, readItem } from './items.js'
import { keptInput } from './kept-input.js'
import type { OutputOptions } from './output.js'
import type { Head } from './response.js'
import {
  conversationOptions,
  formsOf,
  inputTokensRequest,
  type ResponseRequest,
  responseOptions,
  responseRequest,
  summaryOf,
  toldOf,
} from './schema.js'
import { ToolNames } from './tool-names.js'
import { responseWords } from './words.js'
import { type Keep, ResponseEvents, ResponseParts } from './writer.js'

/** POST /v1/responses. Whatever is wrong with the request is said before the headers. */
export async function createResponse(service: Service, call: Call): Promise<Answer> {
  const { reply, head, output, keep, stream, places } = await asked(service, call)
  const accepted = await reply.accepted
  call.note(droppedNotes(accepted, places.length, 'input'))
  return stream
    ? streamed([reply], new ResponseEvents(head, output, keep))
    : collected([reply], new ResponseParts(head, output, keep))
}

/** Reads the request and asks the engine. What is returned is all that is kept of the request. */
async function asked(service: Service, call: Call) {
  const { maxTokens, engineStallMs } = service.settings
  service.checkServing()
  const given = parseTextRequest(responseRequest, await call.body(), 'input', call)
  const request = { ...given, cache_salt: call.salt(given.cache_salt) }
  const model = await service.lease(call, request.model, 'text')
  const input = readInput(service, call, request)
  const { messages, places, notes } = input.conversation
  const words = call.errorWords
  call.errorWords = responseWords(words, request, places)
  const prepared = await preparedTools(model.engine, request.tools)
  const options = { ...responseOptions(request, maxTokens), ...prepared }
  const reply = model.engine.chat(messages, options)
  call.note([...notes, ...notesOf(reply.notes, request)])
  call.errorWords = responseWords(formWords(words, formsOf(request)), request, places)
  call.watch(model.engine, engineStallMs)
  const created_at = Math.floor(Date.now() / 1000)
  const head: Head = {
    id: newId('resp'),
    object: 'response',
    created_at,
    model: model.name,
    background: false,
    ...toldOf(request),
  }
  const keep = keeping(service, call, request, input)
  const { stream } = request
  return { reply, head, output: outputOptions(request), keep, stream, places }
}

function notesOf(notes: readonly RequestNote[], { tools }: ResponseRequest) {
  return tools === undefined ? notes : wireNotes(notes, tools)
}

function outputOptions(request: ResponseRequest): OutputOptions {
  return {
    names: request.tools?.names ?? new ToolNames(),
    asSummary: summaryOf(request) !== null,
  }
}

/** POST /v1/responses/input_tokens: of the prompt that a response to this would have. */
export async function countInputTokens(service: Service, call: Call): Promise<Answer> {
  service.checkServing()
  const body = await call.body()
  const request = parseTextRequest(inputTokensRequest, body, 'input', call)
  const { engine } = await service.lease(call, request.model, 'text')
  const { conversation } = readInput(service, call, request)
  const { messages, places, notes } = conversation
  call.note([...notes, ...(request.tools?.notes ?? [])])
  call.errorWords = responseWords(call.errorWords, request, places)
  const tools = await preparedTools(engine, request.tools)
  const options = { ...conversationOptions(request), ...tools }
  const input_tokens = await service.texts.run(body.length, () =>
    engine.countTokens(messages, options),
  )
  return json(200, { object: 'response.input_tokens', input_tokens })
}

/** What a request says, with what it refers to. */
interface Input {
  readonly conversation: Conversation
  /** Its own items, those that it refers to in the places of its references. */
  readonly items: readonly InputItem[]
  readonly previous: KeptResponse | undefined
}

type InputRequest = Pick<ResponseRequest, 'input' | 'instructions' | 'previous_response_id'>

function readInput(service: Service, call: Call, request: InputRequest): Input {
  const { input, instructions, previous_response_id: id } = request
  const previous = id === undefined ? undefined : previousOf(service, call, id)
  const before = (previous?.conversation() ?? []).map((item): PlacedItem => {
    return { ...keptItem(item), place: 'previous_response_id' }
  })
  if (before.length + input.length > itemsMax) {
    const message = `'input': expected at most ${itemsMax} items with those before it.`
    throw new HttpError('invalid_request', message, { field: 'input' })
  }
  const items = input.map((item, i) => resolved(service, call, item, `input[${i}]`))
  const conversation = conversationOf(instructions, [
    ...before,
    ...items.map((item, i) => ({ ...item, place: `input[${i}]` })),
  ])
  if (conversation.messages.length > 0) return { conversation, items, previous }
  const message = "'input': expected a string, or items of which one is a message, but got none."
  throw new HttpError('invalid_request', message, { field: 'input' })
}

/** An item that was read before it was kept. */
function keptItem(given: unknown): InputItem {
  const said = readItem(given)
  if ('expected' in said) throw new Error('an item was kept that cannot be read')
  return { given: given as Record<string, unknown>, said }
}

const noStore = () => `this server keeps no responses (${optionName('responseStore')})`

function previousOf({ responses, settings }: Service, { owner }: Call, id: string): KeptResponse {
  const field = 'previous_response_id'
  if (responses === undefined) {
    const otherwise = 'send the whole conversation as input'
    const message = `'${field}': expected nothing, as ${noStore()}; ${otherwise}.`
    throw new HttpError('invalid_request', message, { field })
  }
  const previous = responses.get(owner, id)
  if (previous !== undefined && previous.conversationBytes > settings.bodyBytesMax) {
    const most = `at most ${settings.bodyBytesMax} bytes of responses before it; there are more`
    throw new HttpError('body_size', `'${field}': expected ${most}.`, { field })
  }
  if (previous !== undefined) return previous
  const message = `There is no previous response '${id.slice(0, 100)}' (any more).`
  throw new HttpError('previous_response', message, { field })
}

function resolved(
  { responses }: Service,
  { owner }: Call,
  item: InputItem,
  field: string,
): InputItem {
  if (item.said.kind !== 'reference') return item
  const found = responses?.item(owner, item.said.id)
  if (found !== undefined) return keptItem(found)
  const id = item.said.id.slice(0, 100)
  const why = responses === undefined ? `, as ${noStore()}; send the item itself` : ''
  const message = `'${field}': expected an item, but there is no '${id}' to refer to${why}.`
  throw new HttpError('invalid_request', message, { field })
}

/** Keeps the response where it is to be kept. The items are made text now: they may be large. */
function keeping(
  { responses }: Service,
  { owner }: Call,
  { store = true }: ResponseRequest,
  { items, previous }: Input,
): Keep {
  if (responses === undefined || !store) return () => undefined
  const input = keptInput(items)
  return (response) => responses.put(owner, response.id, response, input, previous)
}
