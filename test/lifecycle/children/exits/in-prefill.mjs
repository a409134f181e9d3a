import { prefilling } from '../common.mjs'

await prefilling()
process.exit(7)
