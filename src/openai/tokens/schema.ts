import { z } from 'zod'
import { trueOrFalse } from '../../options/checks.js'
import { chatMessages } from '../chat/message.js'
import { templateArguments } from '../chat/tools.js'
import { wireTools } from '../chat/wire-tools.js'
import { checked, optional } from '../fields.js'
import { modelName } from '../generation.js'
import { tokenIds } from '../token-ids.js'

/** Not OpenAI's but llama-server's, by its names and with its defaults. */

const body = { error: 'a JSON object as the body' }

const model = modelName

const flag = (fallback: boolean) =>
  optional(checked(trueOrFalse)).transform((value) => value ?? fallback)

/** POST /tokenize */
export const tokenizeRequest = z.object(
  {
    model,
    content: z.string({ error: 'a string' }),
    add_special: flag(false),
    parse_special: flag(true),
    with_pieces: flag(false),
  },
  body,
)

/** POST /detokenize */
export const detokenizeRequest = z.object({ model, tokens: tokenIds }, body)

/** POST /apply-template */
export const applyTemplateRequest = z.object(
  {
    model,
    messages: chatMessages,
    tools: optional(wireTools),
    chat_template_kwargs: optional(templateArguments),
  },
  body,
)
