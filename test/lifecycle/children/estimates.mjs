import { estimate } from 'sluice'
import { model } from './common.mjs'

const { fits } = await estimate(model)
process.send({ fits }, () => process.disconnect())
