import type { DecideResult, DecisionAnswer } from '../../api/decision-types.js'
import { cut } from '../../api/show.js'
import { type Answer, json } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import type { Service } from '../api.js'
import { parseBody } from '../request.js'
import { unknownNotesWithin } from '../unknown-fields.js'
import { wordsFor } from './errors.js'
import { systemOneRequest } from './schema.js'

/** POST /v1/systemone */
export async function systemOne(service: Service, call: Call): Promise<Answer> {
  service.checkServing()
  const request = parseBody(systemOneRequest, await call.body(), call)
  const things = request.questions.map(({ id, unknown }) => {
    return { path: `questions.${cut(id)}`, unknown }
  })
  call.note(unknownNotesWithin(things))
  const { engine, name } = await service.lease(call, request.model, 'text')
  const ids = request.questions.map(({ id }) => id)
  call.errorWords = wordsFor(ids)
  call.watch(engine, service.settings.engineStallMs)
  const { orders } = request
  const cacheSalt = call.salt(request.cache_salt)
  const state = [{ role: 'user' as const, content: request.state }]
  const asked = request.questions.map(({ question }) => question)
  const result = await engine.decide(state, asked, {
    ...(orders === undefined ? {} : { orders }),
    ...(cacheSalt === undefined ? {} : { cacheSalt }),
  })
  return json(200, systemOneBody(name, ids, result))
}

function systemOneBody(
  model: string,
  ids: readonly string[],
  { answers, usage: { promptTokens } }: DecideResult,
) {
  const named = answers.map((answer, i) => [ids[i] ?? '', wireAnswer(answer)] as const)
  return {
    model,
    answers: Object.fromEntries(named),
    usage: { input_tokens: promptTokens, output_tokens: 0 },
  }
}

function wireAnswer(answer: DecisionAnswer) {
  switch (answer.type) {
    case 'predicate':
      return { type: 'noul', noul: answer.probability }
    case 'choice': {
      const { choice, confidence } = answer
      const shares = answer.probabilities.map(({ value, probability }) => [value, probability])
      return { type: 'choice', choice, probabilities: Object.fromEntries(shares), confidence }
    }
    case 'score': {
      const { score, confidence } = answer
      const shares = answer.probabilities.map(({ value, probability }) => [value, probability])
      const names = answer.probabilities.map(({ value, label }) => [value, label])
      return {
        type: 'score',
        score,
        probabilities: Object.fromEntries(shares),
        confidence,
        legend: Object.fromEntries(names),
      }
    }
  }
}
