import { load } from 'sluice'
import { ask, model } from './common.mjs'

let kept
{
  await using engine = await load({ model })
  kept = engine
  console.log('read', (await engine.chat(ask, { maxTokens: 20 }).text()).length > 20)
}
console.log('disposed', kept.closed)
