import { InvalidRequestError } from '../../api/errors.js'
import type { NativeChat } from '../../binding/engine-port.js'
import { parseChat } from '../../options/chat-options.js'

/** Written before a label, where an answer has to be begun for the model. */
const beginning = 'Answer:'
const said = 'sluice'

/**
 * With some templates a model that reasons cannot be asked not to: the prompt's end opens its
 * reasoning, or leaves it to the model. Then the answer is begun for it, as when a reply is gone on
 * with: the template closes the reasoning before it, and writes what else comes before an answer.
 * @param ends the marks that end reasoning; none where the model does not reason
 * @returns what the answer begins with; undefined where nothing has to be written
 */
export async function answerBeginning(
  ends: readonly string[],
  promptOf: (chat: NativeChat) => Promise<string>,
): Promise<string | undefined> {
  if (ends.length === 0) return undefined
  const asked = { role: 'user', content: '?' }
  const plain = await promptOf(chatOf([asked]))
  if (ends.some((end) => plain.trimEnd().endsWith(end.trim()))) return undefined
  try {
    const begun = await promptOf(chatOf([asked, { role: 'assistant', content: said }]))
    return begun === plain + said ? undefined : beginning
  } catch (error) {
    if (error instanceof InvalidRequestError) return undefined // no reply can be gone on with
    throw error
  }
}

function chatOf(messages: readonly object[]): NativeChat {
  return parseChat(messages, { reasoning: { enabled: false } })
}
