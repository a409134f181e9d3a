import type { Api } from '../api.js'
import { openAi } from '../openai/api.js'
import { errorWords } from './errors.js'
import { systemOne } from './systemone.js'

/** TypeSafe's System One, as its SDKs and the AI SDK's provider speak it. */
export const typeSafe: Api = {
  routes: [{ method: 'POST', pattern: '/v1/systemone', handle: systemOne }],
  keyOf: openAi.keyOf, // its own clients send a Bearer
  keyHeaders: openAi.keyHeaders,
  keyExample: 'Authorization: Bearer YOUR_API_KEY',
  errorWords,
}
