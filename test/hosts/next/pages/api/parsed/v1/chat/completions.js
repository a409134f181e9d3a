import { requestListener } from 'sluice/http'
import { engine } from '../../../../../lib/engine.js'

let listener

/** One route of OpenAI's API; Next has read and parsed the body before. */
export default function handler(req, res) {
  listener ??= requestListener({ engine: engine(), prefix: '/api/parsed' })
  return listener(req, res)
}
