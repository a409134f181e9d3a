import { estimate } from '../../../dist/index.js'
import { model } from './common.mjs'

estimate(model)
setImmediate(() => process.exit(7))
