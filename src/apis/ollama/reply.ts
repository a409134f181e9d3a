import type { Reply } from '../../engine/reply.js'
import { type Answer, json, type StreamedAnswer } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import type { EarlyStream } from '../../web/early.js'
import { collected, jsonLines, streamed } from '../../web/replies.js'
import type { Service } from '../api.js'
import { fieldError } from '../request.js'
import { errorLine, line } from './errors.js'
import { type Asked, usedModel } from './use.js'
import { now, ReplyBody, type ReplyHead, ReplyLines, type Shape } from './writer.js'

/** What both endpoints answer that write text. */

interface Request extends Asked {
  readonly stream: boolean
}

export async function answered(
  reply: Reply,
  head: ReplyHead,
  { stream }: Pick<Request, 'stream'>,
  shape: Shape,
): Promise<Answer> {
  if (stream) return streamed([reply], new ReplyLines(head, shape))
  return collected([reply], new ReplyBody(head, shape))
}

/** How a stream begins before its model is loaded: with a piece of no text. */
export function earlyReply(
  { stream, model = '' }: Pick<Request, 'stream' | 'model'>,
  shape: Shape,
): EarlyStream | undefined {
  if (!stream) return undefined
  const clock = { startedAt: performance.now(), loadMs: 0 }
  const lines = new ReplyLines({ model, clock }, shape)
  return { headers: jsonLines, errorFrame: errorLine, ping: () => lines.ping() }
}

/**
 * A request that names a model and has no prompt: the model is loaded, or with a `keep_alive` of 0
 * unloaded, which its only line says.
 * @param prompt the field that would have one
 * @throws HttpError, a 400, where it names none either
 */
export async function withoutPrompt(
  service: Service,
  call: Call,
  request: Request,
  shape: Shape,
  prompt: string,
): Promise<Answer> {
  if (!request.model) {
    throw fieldError(prompt, 'something to answer, or a "model" to be loaded', undefined)
  }
  const isUnload = request.keep_alive === 0
  const model = isUnload
    ? unload(service, request.model)
    : (await usedModel(service, call, request, 'text', earlyReply(request, shape))).name
  const said = shape.said({ text: '' })
  const reason = isUnload ? 'unload' : 'load'
  const value = { model, created_at: now(), ...said, done: true, done_reason: reason }
  return request.stream ? onlyLine(value) : json(200, value)
}

/** Nothing where it is not loaded. @returns its name @throws HttpError where models always stay */
function unload({ host }: Service, asked: string | undefined): string {
  const { names, state } = host.find(asked)
  const isThere = state === 'loaded' || state === 'loading'
  if (isThere || host.numbers() === undefined) host.unload(asked)
  return asked || names[0]
}

function onlyLine(value: object): StreamedAnswer {
  return {
    status: 200,
    headers: jsonLines,
    opening: () => '',
    frames: {
      next: async () => ({ done: true, value: line(value) }),
      return: () => undefined,
    },
    ping: () => '',
    errorFrame: errorLine,
  }
}
