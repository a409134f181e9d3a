import { load } from 'sluice'
import { decoding, endless, model } from './common.mjs'

const beside = await load({ model })
const { engine, reply } = await decoding({ context: 65_536, onWarning: () => undefined })
const other = engine.complete('word '.repeat(2500), endless)
await other.accepted
await Promise.all([engine.close(), engine.close(), beside.close()])
const codeOf = ({ done }) => done.then(String, (error) => error.code)
const errors = await Promise.all([codeOf(reply), codeOf(other)])
process.send({ errors }, () => process.disconnect())
