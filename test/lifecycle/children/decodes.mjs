import { decoding } from './common.mjs'

await decoding()
process.send('decoding')
