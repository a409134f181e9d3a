import type { Api } from './api.js'

/** A key as OpenAI's clients bring it, or in a header of its own as those of Azure do. */
export const commonKeys: Pick<Api, 'keyOf' | 'keyHeaders' | 'keyExample'> = {
  keyOf({ authorization, ...headers }) {
    if (authorization !== undefined) return /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization)?.[1]
    const own = headers['x-api-key'] ?? headers['api-key']
    return own !== undefined && /^[\x21-\x7e]+$/.test(own) ? own : undefined
  },
  keyHeaders: ['authorization', 'x-api-key', 'api-key'],
  keyExample: 'Authorization: Bearer YOUR_API_KEY',
}
