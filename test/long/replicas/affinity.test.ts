import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Balancer,
  type BalancerName,
  missing,
  startHaproxy,
  startNginx,
} from '../../support/replicas/balancers.js'
import { type Stub, startStubs } from '../../support/replicas/stubs.js'

// Which replica a request goes to, by what it says. The balancers are real, and have the files of
// deploy/. The replicas only say their number.

interface Asked {
  readonly path?: string
  readonly body: object | string
  readonly headers?: Record<string, string>
}
/** A turn of one of many conversations, which differ by their seed. */
type Turn = (seed: string, turn: number, name: BalancerName) => Asked

/** Unlike each other: a hash of nginx's tells similar words apart badly. */
const seeds = Array.from({ length: 48 }, (_, i) => {
  return createHash('sha1').update(String(i)).digest('hex').slice(0, 12)
})
const turns = 3

const system = { role: 'system', content: 'You are of help.' }
const user = (seed: string) => ({ role: 'user', content: `Question ${seed}` })
const text = (words: string) => [{ type: 'text', text: words }]

/** What was said since a conversation's beginning, the same in all conversations. */
function later(turn: number): object[] {
  return Array.from({ length: turn }, (_, i) => [
    { role: 'assistant', content: `Answer ${i}` },
    { role: 'user', content: `And then, ${i}?` },
  ]).flat()
}

const begins =
  (first: (seed: string, name: BalancerName) => object[], fields: object = {}): Turn =>
  (seed, turn, name) => ({ body: { messages: [...first(seed, name), ...later(turn)], ...fields } })

/** Turns that say nothing of their conversation but this. */
const says =
  (fields: (seed: string, turn: number) => object): Turn =>
  (seed, turn) => ({ body: { messages: [user('same')], ...fields(seed, turn) } })

const withCode = 'Answer as JSON: {"a": [1, "}]"]}. Never say "role": "system" or \\" {[.'
const image = `data:image/png;base64,${'iVBORw0KGgo/+AA='.repeat(4000)}`
const toolCall = { user: 'bob', user_id: 'bob', prompt_cache_key: 'bob', messages: [user('same')] }
const tool = {
  name: 'send',
  parameters: { user: 'bob', input: [user('same')], metadata: toolCall },
}
/** As much as HAProxy reads of a body, less what else is in it. */
const roomOf = { haproxy: 100_000, nginx: 360_000 }

const staying: Record<string, Turn> = {
  'the header x-conversation-id': (seed, turn) => ({
    body: { messages: [user(`turn ${turn}`)], prompt_cache_key: `turn ${turn}`, user: 'bob' },
    headers: { 'x-conversation-id': `talk ${seed}` },
  }),
  prompt_cache_key: says((seed, turn) => ({
    user: `turn ${turn}`,
    metadata: { user_id: `turn ${turn}` },
    prompt_cache_key: `talk ${seed}`,
  })),
  'prompt_cache_key before the messages': (seed, turn) => ({
    body: { prompt_cache_key: `"talk" ${seed}`, messages: [user(`turn ${turn}`)] },
  }),
  user: says((seed, turn) => ({ metadata: { user_id: `${turn}` }, user: `talk ${seed}` })),
  'metadata.user_id': says((seed) => ({ metadata: { of: tool, user_id: `talk ${seed}` } })),
  'metadata.user_id that is JSON': says((seed) => ({
    metadata: { user_id: JSON.stringify({ device_id: 'one', session_id: seed }) },
  })),
  'its first message': begins((seed) => [user(seed)]),
  'its first message, where that begins as JSON does': begins((seed) => [
    { role: 'user', content: `{"task": [1], "user": "bob", "n": "${seed}"}` },
  ]),
  'its first message in parts': begins((seed) => [{ role: 'user', content: text(`${seed}`) }]),
  'its first message with other objects in it': begins((seed) => [
    { of: { role: 'system' }, content: `Say "role":"system", ${seed}`, role: 'user' },
    user('same'),
  ]),
  'a picture in front of the same words': begins((seed) => [
    {
      role: 'user',
      content: [{ type: 'image_url', image_url: { url: image + seed } }, ...text('What is this?')],
    },
  ]),
  'a picture behind the same words': begins((seed) => [
    {
      role: 'user',
      content: [...text('What is this?'), { type: 'image_url', image_url: { url: image + seed } }],
    },
  ]),
  'a first message without content': begins((seed) => [
    { role: 'assistant', content: null, tool_calls: [{ id: `call ${seed}`, function: tool }] },
  ]),
  'the second message': begins((seed) => [system, user(seed)]),
  'the second message, where the first is a developer’s in parts': begins((seed) => [
    { role: 'developer', content: text('You are of help.') },
    { role: 'user', content: text(`Question ${seed}`) },
  ]),
  'the second message, where the first has code': begins((seed) => [
    { role: 'system', content: withCode },
    user(seed),
  ]),
  'the second message, where the first is long': begins((seed, name) => [
    { role: 'system', content: withCode.repeat(roomOf[name] / 100) },
    user(seed),
  ]),
  'the second message, where the first says its role last': begins((seed) => [
    { content: 'You are of help.', role: 'system' },
    user(seed),
  ]),
  'the third message, where two are the system’s': begins((seed) => [
    system,
    { role: 'developer', content: 'Be short.' },
    user(seed),
  ]),
  'words outside of ASCII, with escapes': (seed, turn) => ({
    body: ascii({ messages: [{ role: 'user', content: `中文 ${seed}` }, ...later(turn)] }),
  }),
  'its first message, with empty marks': (seed, turn) => ({
    body: {
      prompt_cache_key: '',
      user: '',
      metadata: { user_id: '' },
      messages: [user(seed), ...later(turn)],
    },
    headers: { 'x-conversation-id': '' },
  }),
  'its first message, with marks that are null': begins((seed) => [user(seed)], {
    user: null,
    prompt_cache_key: null,
    metadata: null,
  }),
  'its first message, behind tools': (seed, turn) => ({
    body: { tools: [tool], messages: [user(seed), ...later(turn)] },
  }),
  'its first message, with tool calls later': (seed, turn) => ({
    path: '/v1/messages',
    body: {
      system: text('You are of help.'),
      messages: [
        user(seed),
        ...later(turn),
        { role: 'assistant', content: [{ type: 'tool_use', name: 'send', input: toolCall }] },
      ].slice(0, turn === 0 ? 1 : undefined),
    },
  }),
  'its first message, where the body outgrows a buffer': (seed, turn) => ({
    body: { messages: [user(seed), { role: 'user', content: 'long '.repeat(turn * 40_000) }] },
  }),
  'a response’s first item': (seed, turn) => ({
    path: '/v1/responses',
    body: { instructions: 'You are of help.', input: [user(seed), ...later(turn)] },
  }),
  'a response’s second item, where the first is a developer’s': (seed, turn) => ({
    path: '/v1/responses',
    body: {
      input: [
        { type: 'message', role: 'developer', content: [{ type: 'input_text', text: withCode }] },
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: `${seed}` }] },
        ...later(turn),
      ],
    },
  }),
  'Ollama’s first message with a picture': (seed, turn) => ({
    path: '/api/chat',
    body: { messages: [{ ...user('same'), images: [image + seed] }, ...later(turn)] },
  }),
}

/** Bodies that say nothing of a conversation: each goes anywhere, though it comes often. */
const anywhere: Record<string, Asked> = {
  'a text of /v1/responses': { path: '/v1/responses', body: { input: 'Hello' } },
  'a prompt': { path: '/v1/completions', body: { prompt: 'Hello' } },
  'a prompt of Ollama’s': { path: '/api/generate', body: { prompt: '{"messages": [{' } },
  'texts for embeddings': { path: '/v1/embeddings', body: { input: ['a', 'b'] } },
  'tokens for embeddings': { path: '/v1/embeddings', body: { input: [[1, 2], [3]] } },
  'the system’s message alone': { body: { messages: [system] } },
  'no messages': { body: { messages: [] } },
  'fields that are not at the top': { body: { tools: [toolCall], options: tool } },
  'no JSON': { body: '{"messages": [{"role": "user", "content": "never ends' },
  'too deep a body': { body: `{"messages": [{"a": ${'['.repeat(1e5)}${']'.repeat(1e5)}}]}` },
  nothing: { body: '' },
}

const start = { haproxy: startHaproxy, nginx: startNginx }

describe.each<BalancerName>(['haproxy', 'nginx'])('%s chooses a replica', (name) => {
  const words = missing(name)
  const title = `by %s${words && ` (${words})`}`
  let stubs: Stub[] = []
  let balancer: Balancer | undefined

  beforeAll(async () => {
    if (words !== '') return
    stubs = await startStubs(3)
    balancer = await start[name](stubs)
  })
  afterAll(async () => {
    await balancer?.stop()
    for (const stub of stubs) stub.close()
  })

  const ask = async ({ path = '/v1/chat/completions', body, headers = {} }: Asked) => {
    const response = await fetch(`${balancer?.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return [response.status, await response.text()].join(' ')
  }

  const run = test.skipIf(words !== '')
  run.each(Object.entries(staying))(title, async (_, turnOf) => {
    const used = new Set<string>()
    for (const seed of seeds) {
      const answers: string[] = []
      for (let turn = 0; turn < turns; turn++) answers.push(await ask(turnOf(seed, turn, name)))
      expect(new Set(answers)).toEqual(new Set(answers.slice(0, 1)))
      used.add(answers[0] as string)
    }
    expect([...used].sort()).toEqual(['200 0', '200 1', '200 2'])
  })

  run.each(Object.entries(anywhere))(
    `at will for %s${words && ` (${words})`}`,
    async (_, asked) => {
      const used = new Set<string>()
      for (const _ of seeds) used.add(await ask(asked))
      expect([...used].sort()).toEqual(['200 0', '200 1', '200 2'])
    },
  )
})

/** As Python's json.dumps writes it. */
function ascii(body: object): string {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(body).replace(/[\u0080-\uffff]/g, escaped)
}
