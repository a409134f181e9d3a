import { load } from 'sluice'
import { model } from '../common.mjs'

load({ model, onProgress: () => process.exit(7) })
