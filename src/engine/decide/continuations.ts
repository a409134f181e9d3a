import type { ChoiceQuestion } from '../../api/decision-types.js'
import { InvalidRequestError } from '../../api/errors.js'
import type { Label } from './labels.js'
import type { Asked } from './prompts.js'

type TokensOf = (text: string) => Promise<Int32Array>

/**
 * A choice among what the beginning of an answer goes on with. Its labels are the choices
 * themselves, each known by its first token, so that no order is shown.
 * @throws InvalidRequestError where two begin with the same token
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
    const other = token === undefined ? undefined : seen.get(token)
    if (token === undefined || other !== undefined) {
      const option = `${at}.choices[${i}]`
      const why = other === undefined ? 'it has none' : `${JSON.stringify(other)} has the same`
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

/** The first token of a text that is not one of its beginning. */
function firstBehind(beginning: Int32Array, whole: Int32Array): number | undefined {
  let shared = 0
  while (shared < beginning.length && beginning[shared] === whole[shared]) shared++
  return whole[shared]
}
