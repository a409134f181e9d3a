import { decoding } from '../common.mjs'

await decoding()
process.exit(7)
