// A route handler as Next.js, SvelteKit, Remix and others have them: a web Request in, a Response
// out whose body is the text as it comes. In Next.js this is app/api/chat/route.js, and
// next.config.js has serverExternalPackages: ['sluice'].
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
    return new Response(textOf(reply).pipeThrough(new TextEncoderStream()), {
      headers: { 'Content-Type': 'text/plain; charset=utf-8' },
    })
  } catch (error) {
    const isOfRequest = error instanceof SluiceError || error instanceof SyntaxError
    if (!isOfRequest) throw error
    const status = 'code' in error && error.code === 'ERR_OVERLOADED' ? 429 : 400
    return Response.json({ error: error.message }, { status })
  }
}

/** @param {import('sluice').Reply} reply */
function textOf(reply) {
  return reply.toWeb().pipeThrough(
    new TransformStream({
      transform: (part, controller) => controller.enqueue(part.text),
    }),
  )
}
