import { load } from 'sluice'
import { decoding, endless, model } from './common.mjs'

const { engine, reply } = await decoding({ context: 8192 })
const other = engine.complete('word '.repeat(2500), endless)
await other.accepted
const beside = await load({ model })
await Promise.all([engine.close(), engine.close(), beside.close()])
const codeOf = ({ done }) => done.then(String, (error) => error.code)
const errors = await Promise.all([codeOf(reply), codeOf(other)])
process.send({ errors }, () => process.disconnect())
