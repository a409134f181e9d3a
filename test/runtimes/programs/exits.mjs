import { decoding } from './common.mjs'

await decoding()
console.log('decoding')
process.exit(7)
