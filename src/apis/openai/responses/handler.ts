import { defaultName } from '../../../options/models-options.js'
import { optionName } from '../../../options/spoken-names.js'
import { type Answer, json } from '../../../web/answer.js'
import type { Call } from '../../../web/call.js'
import type { EarlyStream } from '../../../web/early.js'
import { type ErrorWords, HttpError } from '../../../web/errors.js'
import { collected, streamed } from '../../../web/replies.js'
import type { FoundItems, KeptResponse, Service } from '../../api.js'
import { loraOptions } from '../../lora.js'
import { fieldError } from '../../request.js'
import { formWords, placeWords } from '../../request-words.js'
import { preparedTools, wireNotes } from '../../tool-list.js'
import { chatWords } from '../chat/schema.js'
import { droppedPlaces } from '../chat/truncation.js'
import { parseTextRequest } from '../compatibility.js'
import { formFieldOf } from '../response-format.js'
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
import { type Keep, ResponseEvents, ResponseParts } from './writer.js'

/** POST /v1/responses. Whatever is wrong with the request is said before the headers. */
export async function createResponse(service: Service, call: Call): Promise<Answer> {
  const { reply, head, output, keep, stream, places } = await asked(service, call)
  const accepted = await reply.accepted
  call.note(droppedPlaces(accepted, places))
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
  const early = request.stream ? earlyResponse(request) : undefined
  const model = await service.lease(call, request.model, 'text', early)
  const input = readInput(service, call, request)
  const { messages, places, notes } = input.conversation
  const words = call.errorWords
  call.errorWords = responseWords(words, request, places)
  const prepared = await preparedTools(model.engine, request.tools)
  const lora = loraOptions(request, model.engine)
  const options = { ...responseOptions(request, maxTokens), ...prepared, ...lora }
  const reply = model.engine.chat(messages, options)
  call.note([...notes, ...wireNotes(reply.notes, request.tools)])
  const withForm = formWords(words, formFieldOf(formsOf(request)))
  call.errorWords = responseWords(withForm, request, places)
  call.watch(model.engine, engineStallMs)
  const head = headOf(request, model.name)
  const keep = keeping(service, call, request, input)
  const { stream } = request
  return { reply, head, output: outputOptions(request), keep, stream, places }
}

function headOf(request: ResponseRequest, model: string): Head {
  const created_at = Math.floor(Date.now() / 1000)
  const made = { id: newId('resp'), object: 'response', created_at, model } as const
  return { ...made, background: false, ...toldOf(request) }
}

/** Where its model is not loaded in the end, there is a response all the same, which has failed. */
function earlyResponse(request: ResponseRequest): EarlyStream {
  return {
    errorFrame(error) {
      const head = headOf(request, request.model ?? defaultName)
      const events = new ResponseEvents(head, outputOptions(request), () => undefined)
      return events.opening() + events.failure(error)
    },
  }
}

/** A chat's words, and the request's own: a message is one of its items, or several. */
function responseWords(
  words: ErrorWords,
  request: Parameters<typeof chatWords>[1],
  places: readonly string[],
): ErrorWords {
  return placeWords(chatWords(words, request), places)
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
  const request = parseTextRequest(inputTokensRequest, body, 'input', call, responseRequest)
  const { engine } = await service.lease(call, request.model, 'text')
  const { conversation, bytesBefore } = readInput(service, call, request)
  const { messages, places, notes } = conversation
  call.note([...notes, ...wireNotes([], request.tools)])
  call.errorWords = responseWords(call.errorWords, request, places)
  const tools = await preparedTools(engine, request.tools)
  const options = { ...conversationOptions(request), ...tools }
  const input_tokens = await service.texts.run(body.length + bytesBefore, () =>
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
  /** What it names of earlier responses, as JSON. */
  readonly bytesBefore: number
}

type InputRequest = Pick<ResponseRequest, 'input' | 'instructions' | 'previous_response_id'>

function readInput(service: Service, call: Call, request: InputRequest): Input {
  const { input, instructions, previous_response_id: id } = request
  const previous = id === undefined ? undefined : previousOf(service, call, id)
  const bytesOfPrevious = previous?.conversationBytes ?? 0
  const room = service.bodies.open(call.signal) // as much as if it had been sent
  room.grow(bytesOfPrevious)
  const before = (previous?.conversation() ?? []).map((item): PlacedItem => {
    return { ...readKeptItem(item), place: 'previous_response_id' }
  })
  if (before.length + input.length > itemsMax) {
    const message = `'input': expected at most ${itemsMax} items with those before it.`
    throw new HttpError('invalid_request', message, { field: 'input' })
  }
  const found = itemsReferredTo(service, call, input, bytesOfPrevious)
  room.grow(found.bytes)
  const items = input.map((item, i) => resolved(service, item, found.items, `input[${i}]`))
  const conversation = conversationOf(instructions, [
    ...before,
    ...items.map((item, i) => ({ ...item, place: `input[${i}]` })),
  ])
  if (conversation.messages.length > 0) {
    return { conversation, items, previous, bytesBefore: bytesOfPrevious + found.bytes }
  }
  const message = "'input': expected a string, or items of which one is a message, but got none."
  throw new HttpError('invalid_request', message, { field: 'input' })
}

/** An item that was read before it was kept. */
function readKeptItem(given: unknown): InputItem {
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
    throw new HttpError('previous_response', message, { field })
  }
  const previous = responses.get(owner, id)
  if (previous !== undefined && previous.conversationBytes > settings.bodyBytesMax) {
    throw tooMuchBefore(field, settings.bodyBytesMax)
  }
  if (previous !== undefined) return previous
  const expected = 'expected the id of a response that is still kept'
  const message = `'${field}': ${expected}, but there is no '${id.slice(0, 100)}'.`
  throw new HttpError('previous_response', message, { field })
}

function tooMuchBefore(field: string, bytesMax: number): HttpError {
  const most = `at most ${bytesMax} bytes of responses before it; there are more`
  return new HttpError('body_size', `'${field}': expected ${most}.`, { field })
}

const noItems: FoundItems = { items: new Map(), bytes: 0 }

/**
 * The items of other responses that an input has in places of its own. Each but once: a few bytes
 * could ask for any number of copies of a large one.
 * @param bytesBefore of the response that it follows
 */
function itemsReferredTo(
  { responses, settings }: Service,
  { owner }: Call,
  input: readonly InputItem[],
  bytesBefore: number,
): FoundItems {
  const ids = new Set<string>()
  for (const [i, { said }] of input.entries()) {
    if (said.kind !== 'reference') continue
    if (ids.has(said.id)) {
      throw fieldError(`input[${i}]`, 'an item that is referred to once', said.id)
    }
    ids.add(said.id)
  }
  if (responses === undefined || ids.size === 0) return noItems
  const found = responses.items(owner, ids, settings.bodyBytesMax - bytesBefore)
  if (found === undefined) throw tooMuchBefore('input', settings.bodyBytesMax)
  return found
}

/** For users of the AI SDK, which refers to items unless it is told otherwise. */
function nothingToReferTo(): string {
  const inClient = 'set `store: false` in the client, which then sends the items themselves'
  const inServer = `start it with ${optionName('responseStore')}`
  return `this server keeps no responses; ${inClient}, or ${inServer}`
}

function resolved(
  { responses }: Service,
  item: InputItem,
  items: ReadonlyMap<string, unknown>,
  field: string,
): InputItem {
  if (item.said.kind !== 'reference') return item
  const found = items.get(item.said.id)
  if (found !== undefined) return readKeptItem(found)
  const id = item.said.id.slice(0, 100)
  const why = responses === undefined ? `, as ${nothingToReferTo()}` : ''
  const message = `'${field}': expected an item, but there is no '${id}' to refer to${why}.`
  throw new HttpError('item', message, { field })
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
  return (response) => responses.put(owner, response, input, previous)
}
