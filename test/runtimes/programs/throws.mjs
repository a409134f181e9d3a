import { decoding } from './common.mjs'

await decoding()
console.log('decoding')
setImmediate(() => {
  throw new Error('thrown on purpose')
})
