import type { DecideResult, DecisionAnswer } from '../../../api/decision-types.js'
import { type Answer, json } from '../../../web/answer.js'
import type { Call } from '../../../web/call.js'
import type { ErrorWords, HttpError } from '../../../web/errors.js'
import type { Service } from '../../api.js'
import { parseBody } from '../../request.js'
import { placeWords } from '../../request-words.js'
import { unknownNotesWithin } from '../../unknown-fields.js'
import { errorWords } from '../errors.js'
import { conversationOf } from '../responses/conversation.js'
import { decisionRequest, knownFields } from './schema.js'

/** POST /v1/decisions */
export async function createDecision(service: Service, call: Call): Promise<Answer> {
  service.checkServing()
  const request = parseBody(decisionRequest, await call.body(), call, knownFields)
  const things = request.questions.map(({ unknown }, i) => ({ path: `questions[${i}]`, unknown }))
  call.note(unknownNotesWithin(things))
  const { engine, name } = await service.lease(call, request.model, 'text')
  const items = request.input.map((item, i) => ({ ...item, place: `input[${i}]` }))
  const { messages, places, notes } = conversationOf(undefined, items)
  call.note(notes)
  call.errorWords = inputWords(placeWords(errorWords({ prompt: 'input' }), places))
  call.watch(engine, service.settings.engineStallMs)
  const { orders } = request
  const cacheSalt = call.salt(request.cache_salt)
  const asked = request.questions.map(({ question }) => question)
  const result = await engine.decide(messages, asked, {
    ...(orders === undefined ? {} : { orders }),
    ...(cacheSalt === undefined ? {} : { cacheSalt }),
  })
  const names = request.questions.map((question) => question.name)
  return json(200, decisionBody(name, names, result))
}

/** The state as a whole is the input; its messages have places of their own. */
function inputWords(words: ErrorWords): ErrorWords {
  const named = (error: HttpError) => {
    const told = words.named(error)
    if (told.field !== 'state') return told
    return told.at('input', told.message.replace("'state'", "'input'"))
  }
  return { ...words, named }
}

function decisionBody(
  model: string,
  names: readonly (string | null)[],
  { answers, usage: { promptTokens, cachedTokens } }: DecideResult,
) {
  return {
    model,
    answers: answers.map((answer, i) => named(answer, names[i] ?? null)),
    usage: {
      input_tokens: promptTokens,
      input_tokens_details: { cached_tokens: cachedTokens, cache_write_tokens: 0 },
      output_tokens: 0, // nothing is generated
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: promptTokens,
    },
  }
}

/** OpenAI has no place for `mass`. */
function named({ mass: _, type, ...answer }: DecisionAnswer, name: string | null) {
  return { type, name, ...answer }
}
