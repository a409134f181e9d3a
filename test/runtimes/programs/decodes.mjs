import { decoding } from './common.mjs'

const { reply } = await decoding()
console.log('decoding')
await reply.done
