import { estimate } from 'sluice'
import { model } from '../common.mjs'

estimate(model)
setImmediate(() => process.exit(7))
