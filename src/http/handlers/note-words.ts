import { errorWords } from '../../openai/errors.js'
import type { Translation } from '../../openai/words.js'
import type { Call } from '../../web/call.js'

/** Names of fields that a note repeats, and how many. */
const namePattern = /^[\w.-]{1,64}$/
const namesMax = 32

/**
 * Notes in whose words a request is: its errors name fields as it does, and of the fields that
 * nothing is known of the answer says that they had no effect.
 */
export function noteWords(call: Call): (translation: Translation) => void {
  return ({ names, unknown }) => {
    call.errorWords = errorWords({ names })
    const told = unknown.filter((name) => namePattern.test(name)).slice(0, namesMax)
    call.note(told.map((path) => ({ path, message: 'unknown, so it had no effect' })))
  }
}
