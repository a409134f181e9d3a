import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { histories } from '../../support/chats/histories.js'
import { sendBack, type Tally } from '../../support/chats/own-replies.js'
import { randomModel } from '../../support/models/random-model.js'
import { closeAfterEach } from '../../support/serve.js'
import { type ServedReal, serveReal } from '../../support/serve-real.js'

// The strictest of real templates; test/long has all of them.

closeAfterEach()

const folder = path.join(
  process.env.LLAMA_CPP_DIR ?? path.join(import.meta.dirname, '../../../deps/llama.cpp'),
  'models/templates',
)
const tools = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      parameters: { type: 'object', properties: { city: { type: 'string' } } },
    },
  },
]

function open(file: string): Promise<ServedReal> {
  const chatTemplate = readFileSync(path.join(folder, file), 'utf8')
  return serveReal({ model: randomModel({ seed: 5 }), chatTemplate, context: 8192, parallel: 2 })
}

async function promptOf({ url }: ServedReal, messages: readonly object[], calls: boolean) {
  const response = await fetch(`${url}/apply-template`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages, ...(calls ? { tools } : {}) }),
  })
  const body = (await response.json()) as { prompt?: string; error?: { message: string } }
  return body.prompt ?? `refused: ${body.error?.message}`
}

const strictest = [
  'mistralai-Mistral-Nemo-Instruct-2407.jinja',
  'mistralai-Ministral-3-14B-Reasoning-2512.jinja',
  'google-gemma-4-31B-it-interleaved.jinja',
  'openai-gpt-oss-120b.jinja',
  'LFM2-8B-A1B.jinja',
]

test.each(strictest)('the template %s takes each history, and all that it says', async (file) => {
  const served = await open(file)
  const lost: string[] = []
  for (const [name, { messages, words, calls }] of Object.entries(histories)) {
    const prompt = await promptOf(served, messages, calls)
    const missing = words.filter((word) => !prompt.includes(word))
    if (missing.length > 0) lost.push(`${name}: ${missing.join(' ')} of ${prompt}`)
  }
  expect(lost).toEqual([])
})

test('a reply of the server, cut after 1, 17, 33 and 49 tokens, is taken back', async () => {
  const { url } = await open('mistralai-Mistral-Nemo-Instruct-2407.jinja')
  const tally: Tally = { sent: 0, cut: 0, refused: [] }
  await sendBack(url, 'two calls', { most: 64, seed: 3, every: 16 }, tally)
  expect(tally.refused).toEqual([])
  expect(tally.cut).toBeGreaterThan(5)
})

describe('a history that the template does not take', () => {
  const called = (args: string, callId: string, content = '') => ({
    role: 'assistant',
    content,
    tool_calls: [
      { id: callId, type: 'function', function: { name: 'get_weather', arguments: args } },
    ],
  })
  const ask = { role: 'user', content: 'ask' }

  test('gets alternating roles and short ids, and the system with the last user', async () => {
    const served = await open('mistralai-Mistral-Nemo-Instruct-2407.jinja')
    const messages = [
      { role: 'system', content: 'be brief' },
      ask,
      { role: 'user', content: 'and this' },
      called('{"city": "Par', 'toolu_01', 'let me see'),
      { role: 'tool', tool_call_id: 'toolu_01', content: 'rain' },
    ]
    const prompt = await promptOf(served, messages, true)
    const [, id = ''] = /"call_id": "(\w+)"/.exec(prompt) ?? []
    expect(id).toMatch(/^[a-zA-Z0-9]{9}$/)
    expect(prompt).toContain('[INST]be brief\n\nask\n\nand this[/INST]let me see')
    expect(prompt).toContain(`"arguments": {"city": "Par"}, "id": "${id}"}]`)
    const longer = await promptOf(served, [...messages, { role: 'assistant', content: 'It' }], true)
    expect(longer.startsWith(prompt.slice(prompt.indexOf('let me see')))).toBe(false)
    expect(longer).toContain(prompt.slice(prompt.indexOf('let me see')))
  })

  test('has a late system told by the user, in its place', async () => {
    const served = await open('Qwen3.5-4B.jinja')
    const messages = [
      { role: 'system', content: 'one' },
      { role: 'developer', content: 'two' },
      ask,
      { role: 'assistant', content: 'said' },
      { role: 'system', content: 'three' },
    ]
    const prompt = await promptOf(served, messages, false)
    expect(prompt).toContain('<|im_start|>system\none\n\ntwo<|im_end|>')
    expect(prompt).toContain('<|im_start|>user\nthree<|im_end|>')
  })

  test('has its calls one by one with their answers', async () => {
    const served = await open('openai-gpt-oss-120b.jinja')
    const two = called('{"city":"A"}', '1')
    two.tool_calls.push(...called('{"city":"B"}', '2').tool_calls)
    const answers = ['2', '1'].map((id) => ({ role: 'tool', tool_call_id: id, content: `r${id}` }))
    const prompt = await promptOf(served, [ask, two, ...answers], true)
    expect(prompt).toMatch(/"city": "A".*r1.*"city": "B".*r2/s)
  })

  test('differs only where the template does not take it', async () => {
    const served = await open('Qwen3-Coder.jinja')
    const odd = [{ role: 'user', content: 'a' }, { role: 'system', content: 'b' }, ask]
    const prompt = await promptOf(served, odd, false)
    expect(prompt).toContain('user\na<|im_end|>\n<|im_start|>system\nb<|im_end|>\n<|im_start|>user')
  })

  test('is refused in the template’s own words where no order mends it', async () => {
    const chatTemplate =
      "{% for m in messages %}{% if 'x' in m.content %}{{ raise_exception('no x') }}{% endif %}" +
      '{{ m.content }}{% endfor %}'
    const served = await serveReal({ model: randomModel(), chatTemplate, parallel: 1 })
    const refusal = await promptOf(served, [{ role: 'user', content: 'x' }], false)
    expect(refusal).toContain('no x')
    expect(await promptOf(served, [ask], false)).toBe('ask')
  })
})
