// OpenAI's API inside Next.js, in its pages router: this is pages/api/ai/[...path].js, and
// next.config.mjs has serverExternalPackages: ['sluice']. Clients ask /api/ai/v1.
import { load } from 'sluice'
import { requestListener } from 'sluice/http'

// Without this Next parses the body itself, which works too, up to its own limit of 1 MB.
export const config = { api: { bodyParser: false, externalResolver: true } }

/**
 * One engine for all requests, also where a development server loads this file again.
 * @type {{ ai?: { engine: Promise<import('sluice').Engine>, listener: RequestListener } }}
 * @typedef {import('sluice/http').RequestListener} RequestListener
 */
const shared = /** @type {any} */ (globalThis)

function start() {
  const engine = load() // the embedded model; load({ model: 'path/of/your.gguf' }) takes another
  return { engine, listener: requestListener({ engine, prefix: '/api/ai' }) }
}

/**
 * @param {import('node:http').IncomingMessage} req
 * @param {import('node:http').ServerResponse} res
 */
export default function handler(req, res) {
  shared.ai ??= start() // until it is loaded, requests get a 503 with Retry-After
  shared.ai.listener(req, res)
}
