// A route handler as Next.js and others have them: a web Request in, a Response out whose body is
// the text as it comes. In Next.js this is app/api/chat/route.js, and next.config.mjs has
// serverExternalPackages: ['sluice'].
import { load, SluiceError } from 'sluice'

export const runtime = 'nodejs' // not 'edge'

/**
 * One engine for all requests, also where a development server loads this file again.
 * @type {{ engine?: Promise<import('sluice').Engine> }}
 */
const shared = /** @type {any} */ (globalThis)

/** @param {Request} request its body is {"messages": [...]} @returns {Promise<Response>} */
export async function POST(request) {
  // The embedded model; load({ model: 'path/of/your.gguf' }) takes another.
  shared.engine ??= load().catch((error) => {
    delete shared.engine // the next request tries again
    throw error
  })
  const engine = await shared.engine
  try {
    const { messages } = /** @type {any} */ (await request.json())
    // A client that leaves aborts request.signal, and that ends the reply.
    const reply = engine.chat(messages, { maxTokens: 300, signal: request.signal })
    await reply.accepted // until here an error can still be a status
    return new Response(reply.toTextStream(), {
      headers: { 'Content-Type': 'text/plain; charset=utf-8' },
    })
  } catch (error) {
    // A body that is no JSON is a SyntaxError. What is neither is a fault of this program.
    if (error instanceof SyntaxError) return refusal(400, error)
    if (error instanceof SluiceError) return refusal(statusOf(error), error)
    throw error
  }
}

/** @param {number} status @param {Error} error */
function refusal(status, { message }) {
  return Response.json({ error: message }, { status })
}

/** @param {SluiceError} error */
function statusOf({ code }) {
  if (code === 'ERR_OVERLOADED') return 429
  if (['ERR_QUEUE_TIMEOUT', 'ERR_CLOSED', 'ERR_ENGINE_ENDED'].includes(code)) return 503
  return code === 'ERR_CONTEXT_LENGTH' || code.startsWith('ERR_INVALID_') ? 400 : 500
}
