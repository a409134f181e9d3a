import { load } from 'sluice'
import { model } from './common.mjs'

// Nothing else holds the process: it stays for the vectors, and then ends.
const engine = await load({ model })
const { embeddings } = await engine.embed(['a fox', 'the sea'])
process.send({ sizes: embeddings.map((vector) => vector.length) }, () => process.disconnect())
