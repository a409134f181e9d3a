import { requestListener } from 'sluice/http'
import { engine } from '../../../lib/engine.js'

let listener

/** OpenAI's API below /api/ai/v1, behind Next's own body parser. */
export default async function handler(req, res) {
  listener ??= requestListener({ engine: await engine() })
  req.url = req.url.replace(/^\/api\/ai/, '')
  return listener(req, res)
}
