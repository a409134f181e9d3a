// Tells the story check's stories through Sluice itself: one JSON job on stdin, one answer on
// stdout. Needs the built package (npm run build). Called by check.py.

import { text } from 'node:stream/consumers'

import { load } from '../../dist/index.js'

const { model, requests, seeds, sampling, maxTokens } = JSON.parse(await text(process.stdin))
const engine = await load({ model, parallel: 16, context: 1024, queue: requests.length * seeds })
try {
  const jobs = requests.flatMap((content, request) =>
    Array.from({ length: seeds }, (_, seed) => ({ request, content, seed })))
  const stories = await Promise.all(jobs.map(async ({ request, content, seed }) => {
    const reply = engine.chat([{ role: 'user', content }], { ...sampling, seed, maxTokens })
    const { finishReason } = await reply.done
    return { request, text: await reply.text(), ended: finishReason === 'stop' }
  }))
  process.stdout.write(JSON.stringify(stories))
} finally {
  await engine.close()
}
