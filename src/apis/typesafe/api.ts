import type { Api } from '../api.js'
import { errorWords } from './errors.js'
import { systemOne } from './systemone.js'

/** TypeSafe's System One, as its SDKs and the AI SDK's provider speak it. */
export const typeSafe: Api = {
  routes: [{ method: 'POST', pattern: '/v1/systemone', handle: systemOne }],
  keyOf({ authorization }) {
    return /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? '')?.[1]
  },
  keyHeaders: ['authorization'],
  keyExample: 'Authorization: Bearer YOUR_API_KEY',
  errorWords,
}
