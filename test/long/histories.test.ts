import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { histories } from '../support/chats/histories.js'
import { askings, sendBack, type Tally } from '../support/chats/own-replies.js'
import { randomModel } from '../support/models/random-model.js'
import { closeAfterEach } from '../support/serve.js'
import { serveReal } from '../support/serve-real.js'

// All of llama.cpp's templates, with each history and with each reply of their own.

closeAfterEach()

const folder = path.join(
  process.env.LLAMA_CPP_DIR ?? path.join(import.meta.dirname, '../../deps/llama.cpp'),
  'models/templates',
)
const files = readdirSync(folder).filter((file) => file.endsWith('.jinja'))
/** For a part of them: SLUICE_TEMPLATES=Mistral. */
const chosen = files.filter((file) => file.includes(process.env.SLUICE_TEMPLATES ?? ''))
/** 13 seeds make of a reply all that it may be, in some of them. */
const most = 48

const tools = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      parameters: { type: 'object', properties: { city: { type: 'string' } } },
    },
  },
]

function open(file: string) {
  const chatTemplate = readFileSync(path.join(folder, file), 'utf8')
  const model = randomModel({ seed: 5 })
  return serveReal({ model, chatTemplate, context: 16384, parallel: 4, cacheMiB: 64 })
}

async function prompted(url: string, messages: readonly object[], calls: boolean) {
  const response = await fetch(`${url}/apply-template`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages, ...(calls ? { tools } : {}) }),
  })
  return (await response.json()) as { prompt?: string; error?: { message: string } }
}

const sums = { histories: 0, taken: 0, templates: 0, callers: 0, sent: 0, cut: 0 }

test.each(chosen)('%s takes each history, and its own replies', async (file) => {
  const { url, engine } = await open(file)
  const { canCallTools } = engine.model
  const wrong: string[] = []
  for (const [name, { messages, words, calls }] of Object.entries(histories)) {
    if (calls && !canCallTools) continue
    sums.histories++
    const { prompt, error } = await prompted(url, messages, calls)
    const lost = words.filter((word) => !prompt?.includes(word))
    if (lost.length === 0) sums.taken++
    else wrong.push(`${name}: ${error?.message ?? `${lost} of ${prompt}`}`)
  }
  const tally: Tally = { sent: 0, cut: 0, refused: [] }
  for (const asking of Object.keys(askings) as (keyof typeof askings)[]) {
    const thinks = asking.includes('thought')
    if (thinks && !engine.model.canThink) continue
    if (asking.includes('call') && !canCallTools) continue
    await sendBack(url, asking, { most, seed: 3 }, tally)
  }
  sums.templates++
  if (canCallTools) sums.callers++
  sums.sent += tally.sent
  sums.cut += tally.cut
  expect([...wrong, ...tally.refused]).toEqual([])
})

test('every history is taken by every template', () => {
  console.log(JSON.stringify(sums))
  expect(sums.taken).toBe(sums.histories)
})
