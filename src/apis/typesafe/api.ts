import type { Api } from '../api.js'
import { commonKeys } from '../key-headers.js'
import { errorWords } from './errors.js'
import { systemOne } from './systemone.js'

/** TypeSafe's System One, as its SDKs and the AI SDK's provider speak it. */
export const typeSafe: Api = {
  routes: [{ method: 'POST', pattern: '/v1/systemone', handle: systemOne }],
  ...commonKeys,
  errorWords,
}
