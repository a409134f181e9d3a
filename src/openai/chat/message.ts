import { z } from 'zod'
import type { ChatMessage } from '../../engine/types.js'
import { arrayOf, isEmptyArray, unsupported } from '../fields.js'

const roles = ['developer', 'system', 'user', 'assistant', 'tool'] as const
const roleError = roles.map((role) => `"${role}"`).join(', ')
const contentError = 'a string, or an array of text parts'

const part = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('text'), text: z.string({ error: 'a string' }) }),
    // What an assistant's earlier turn may hold in place of text.
    z.object({ type: z.literal('refusal'), refusal: z.string({ error: 'a string' }) }),
  ],
  { error: '"text" (only text parts are supported yet)' },
)

/** Joined by line breaks, as llama.cpp joins parts for templates that know only text. */
const parts = z
  .array(z.unknown(), { error: contentError })
  .pipe(arrayOf(part, 0, 1024, 'text parts'))
  .transform((all) => all.map((one) => (one.type === 'text' ? one.text : one.refusal)).join('\n'))

const content = z.union([z.string(), parts], { error: contentError })

/** One message of a conversation, as the engine takes it. */
export const chatMessage = z
  .object(
    {
      role: z.enum(roles, { error: `one of ${roleError}` }),
      content: content.nullish(),
      tool_calls: unsupported('no tool_calls (tools are not supported yet)', isEmptyArray),
      function_call: unsupported('no function_call (functions are not supported)'),
      audio: unsupported('no audio (only text is supported)'),
    },
    { error: 'an object such as {"role": "user", "content": "..."}' },
  )
  // An assistant's earlier turn may be empty; anybody else's would be a mistake.
  .refine((message) => typeof message.content === 'string' || message.role === 'assistant', {
    path: ['content'],
    error: contentError,
  })
  .transform(({ role, content }): ChatMessage => ({ role, content: content ?? '' }))
