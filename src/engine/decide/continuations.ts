import type { ChoiceQuestion } from '../../api/decision-types.js'
import { InvalidRequestError } from '../../api/errors.js'
import { show } from '../../api/show.js'
import type { NativeChat } from '../../binding/engine-port.js'
import type { Label } from './labels.js'
import type { Asked } from './prompts.js'

type TokensOf = (text: string) => Promise<Int32Array>

/**
 * A choice among what the beginning of an answer goes on with. Its labels are the choices
 * themselves, each known by its first token, so that no order is shown.
 * @throws InvalidRequestError where two begin with the same token, or one has none of its own
 */
export async function askToGoOn(
  { instructions, choices }: ChoiceQuestion,
  begins: string,
  tokensOf: TokensOf,
  at: string,
): Promise<Asked> {
  const before = await tokensOf(begins)
  const labels: Label[] = []
  const seen = new Map<number, string>()
  for (const [i, choice] of choices.entries()) {
    const text = String(typeof choice === 'object' ? choice.value : choice)
    const token = firstBehind(before, await tokensOf(`${begins} ${text}`))
    const other = typeof token === 'number' ? seen.get(token) : undefined
    if (typeof token !== 'number' || other !== undefined) {
      const option = `${at}.choices[${i}]`
      const why = typeof token === 'number' ? `${show(other)} has the same` : token
      throw new InvalidRequestError(
        `'${option}': expected a text whose first token behind "begins" is its own, but ${why}.`,
        { option },
      )
    }
    seen.set(token, text)
    labels.push({ text, tokens: [token] })
  }
  return { introduction: '', text: instructions ?? '', labels, begins }
}

/** The first token of a text behind its beginning, or why there is none. */
function firstBehind(beginning: Int32Array, whole: Int32Array): number | string {
  if (beginning.some((token, i) => whole[i] !== token)) return 'it changes the tokens of "begins"'
  return whole[beginning.length] ?? 'it has none'
}

/**
 * Behind an answer no other can be begun, unless something is asked between them.
 * @throws InvalidRequestError
 */
export function checkMayBegin(
  state: NativeChat,
  { instructions = '' }: ChoiceQuestion,
  at: string,
) {
  if (instructions !== '' || state.messages.at(-1)?.role !== 'assistant') return
  const option = `${at}.begins`
  throw new InvalidRequestError(
    `'${option}': the state ends with an answer of the assistant; give "instructions", which ` +
      'stand between that answer and this.',
    { option },
  )
}
