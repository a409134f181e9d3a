// OpenAI's API inside Next.js, in its app router: this is app/api/llm/[...path]/route.js, and
// next.config.mjs has serverExternalPackages: ['sluice']. Clients ask /api/llm/v1.
import { load } from 'sluice'
import { fetchHandler } from 'sluice/http'

export const runtime = 'nodejs' // not 'edge'

/**
 * One engine for all requests, also where a development server loads this file again.
 * @type {{ llm?: { engine: Promise<import('sluice').Engine>, handler: FetchHandler } }}
 * @typedef {import('sluice/http').FetchHandler} FetchHandler
 */
const shared = /** @type {any} */ (globalThis)

function start() {
  const engine = load() // the embedded model; load({ model: 'path/of/your.gguf' }) takes another
  return { engine, handler: fetchHandler({ engine, prefix: '/api/llm' }) }
}

/** @param {Request} request @returns {Promise<Response>} */
function handle(request) {
  shared.llm ??= start() // until it is loaded, requests get a 503 with Retry-After
  return shared.llm.handler(request)
}

export { handle as DELETE, handle as GET, handle as HEAD, handle as OPTIONS, handle as POST }
