import { load } from '../../../dist/index.js'
import { model } from './common.mjs'

load({ model, onProgress: () => process.exit(7) })
