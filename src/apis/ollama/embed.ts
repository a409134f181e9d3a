import * as z from 'zod'
import type { RequestNote } from '../../api/types.js'
import { aString, int32Max, integerFrom } from '../../options/checks.js'
import { inputsMax } from '../../options/inputs.js'
import { type Answer, json } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import type { ScopedEngine } from '../../web/scoped-engine.js'
import type { Service } from '../api.js'
import { modelName } from '../openai/generation.js'
import { arrayOf, checked, optional, parseBody, wholeBody } from '../request.js'
import { knownFieldsOf } from '../unknown-fields.js'
import { ollamaWords } from './errors.js'
import { truncate } from './fields.js'
import { keepAlive } from './keep-alive.js'
import { usedModel } from './use.js'
import { nanoseconds } from './writer.js'

const inputError = `a string, or an array of at most ${inputsMax} strings`
const input = z.union(
  [
    checked(aString).transform((one) => (one === '' ? [] : [one])),
    arrayOf(checked(aString), 0, inputsMax, 'strings'),
  ],
  { error: inputError },
)

/** POST /api/embed. Unknown keys pass; null reads as left out. */
export const embedRequest = z.object(
  {
    model: modelName,
    input: optional(input),
    truncate,
    dimensions: optional(checked(integerFrom(0, int32Max))),
    keep_alive: optional(keepAlive),
  },
  wholeBody,
)

/** The older POST /api/embeddings. */
export const embeddingRequest = z.object(
  {
    model: modelName,
    prompt: optional(checked(aString)).pipe(z.string().default('')),
    keep_alive: optional(keepAlive),
  },
  wholeBody,
)

/** Nothing of them makes a difference to a vector. */
const others = ['options']
const knownOfEmbed = knownFieldsOf(embedRequest, others)
const knownOfEmbedding = knownFieldsOf(embeddingRequest, others)

/** POST /api/embed. Without an input it loads the model. */
export async function embed(service: Service, call: Call): Promise<Answer> {
  service.checkServing()
  const request = parseBody(embedRequest, await call.body(), call, knownOfEmbed)
  const { input: texts = [], dimensions = 0 } = request
  const { name, clock, engine } = await usedModel(service, call, request, 'embeddings')
  call.errorWords = ollamaWords('input')
  if (texts.length === 0) return json(200, { model: name, embeddings: [] })
  call.watch(engine, service.settings.engineStallMs)
  const { inputs, notes } =
    request.truncate === true ? await cut(service, texts, engine) : { inputs: texts, notes: [] }
  call.note(notes)
  const { embeddings, usage } = await engine.embed(inputs, dimensions === 0 ? {} : { dimensions })
  return json(200, {
    model: name,
    embeddings: embeddings.map((vector) => Array.from(vector)),
    total_duration: nanoseconds(performance.now() - clock.startedAt),
    load_duration: nanoseconds(clock.loadMs),
    prompt_eval_count: usage.promptTokens,
  })
}

/** POST /api/embeddings: one vector. */
export async function embedOne(service: Service, call: Call): Promise<Answer> {
  service.checkServing()
  const request = parseBody(embeddingRequest, await call.body(), call, knownOfEmbedding)
  const { engine } = await usedModel(service, call, request, 'embeddings')
  call.errorWords = ollamaWords('prompt')
  if (request.prompt === '') return json(200, { embedding: [] })
  call.watch(engine, service.settings.engineStallMs)
  const { embeddings } = await engine.embed([request.prompt], {})
  return json(200, { embedding: Array.from(embeddings[0] ?? []) })
}

/** What is longer than the context, without its rest: as tokens. */
async function cut(
  service: Service,
  texts: readonly string[],
  engine: ScopedEngine,
): Promise<{ inputs: (string | Int32Array)[]; notes: RequestNote[] }> {
  const { context } = engine.settings
  const tokensOf = (text: string) =>
    service.texts.run(Buffer.byteLength(text), () =>
      engine.tokenize(text, { addSpecial: true, parseSpecial: false }),
    )
  const ending = (await tokensOf('')).at(-1)
  const inputs: (string | Int32Array)[] = []
  const notes: RequestNote[] = []
  for (const [i, text] of texts.entries()) {
    // A token has a byte at least, and two mark where a text begins and ends.
    const isShort = Buffer.byteLength(text) + 2 <= context
    const tokens = isShort ? undefined : await tokensOf(text)
    if (tokens === undefined || tokens.length <= context) {
      inputs.push(text)
      continue
    }
    inputs.push(shortened(tokens, context, ending))
    const message = `${tokens.length} tokens, of which ${context} fit; taken as: the first of them`
    notes.push({ path: `input[${i}]`, message })
  }
  return { inputs, notes }
}

/** @param ending the token that marks where a text ends, if there is one: it stays the last */
function shortened(tokens: Int32Array, length: number, ending: number | undefined): Int32Array {
  const first = tokens.slice(0, length)
  const last = tokens.at(-1)
  if (last !== undefined && last === ending) first[length - 1] = last
  return first
}
