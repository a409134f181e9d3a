import { type Answer, whole } from '../../web/answer.js'

/** GET /: by these words clients know that there is a server of Ollama's API. */
export function isRunning(): Answer {
  return whole(200, 'text/plain; charset=utf-8', 'Ollama is running')
}
