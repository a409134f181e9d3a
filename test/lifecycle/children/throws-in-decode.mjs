import { decoding } from './common.mjs'

await decoding()
setImmediate(() => {
  throw new Error('thrown on purpose')
})
