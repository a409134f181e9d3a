import { ask, decoding, endless } from './common.mjs'

const { engine, reply } = await decoding()
process.send('decoding')
// Until it is ended by a signal, however late that comes.
await reply.done
for (;;) await engine.chat(ask, endless).done
