import { type Answer, type AnswerHeaders, whole } from '../../web/answer.js'

/** GET /: by these words clients know that there is a server of Ollama's API. */
export function isRunning(headers: AnswerHeaders): Answer {
  return whole(200, 'text/plain; charset=utf-8', 'Ollama is running', headers)
}
