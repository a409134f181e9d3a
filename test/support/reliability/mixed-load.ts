import { setTimeout as sleep } from 'node:timers/promises'
import { Dice } from '../fuzz/dice.js'
import { textOf } from '../random-words.js'
import { post, RawClient } from '../raw-client.js'
import { Breaks } from './breaks.js'
import type { ServerUnderTest } from './server.js'

/** A request of the mix: the route, the body, and what it is answered with when all is well. */
interface Kind {
  readonly name: string
  readonly path: string
  readonly status: number
  body(dice: Dice): object | string
}

/** What of all requests came to which end. */
export interface LoadTally {
  readonly kinds: Map<string, number>
  readonly left: Map<string, number>
  /** Answers that nobody would expect: none. */
  readonly faults: string[]
}

/** Each number has a schema of its own, and so a grammar. */
const formOf = (number: number) => ({
  type: 'object',
  properties: { city: { type: 'string', maxLength: 12 }, number: { const: number } },
  required: ['city', 'number'],
  additionalProperties: false,
})

const tool = (number: number) => ({ name: `tool_${number}`, parameters: formOf(0) })

/**
 * So many names of tools that what is remembered of them is all there within minutes: of each set
 * of tools the engine keeps some 37 KB. More than the grammars that are kept (64), so that some are
 * always compiled anew.
 */
const names = 100

const said = (dice: Dice, words = 6) => [
  { role: 'user', content: textOf(words, dice.int(0, 4999)) },
]

const kinds: readonly Kind[] = [
  {
    name: 'chat stream',
    path: '/v1/chat/completions',
    status: 200,
    body: (dice) => ({ messages: said(dice), stream: true, max_tokens: 4 + dice.int(0, 89) }),
  },
  {
    name: 'completion',
    path: '/v1/completions',
    status: 200,
    body: (dice) => ({ prompt: textOf(8, dice.int(0, 4999)), max_tokens: 4 + dice.int(0, 39) }),
  },
  {
    name: 'embeddings',
    path: '/v1/embeddings',
    status: 200,
    body: (dice) => ({
      model: 'vectors',
      input: Array.from({ length: 1 + dice.int(0, 7) }, () => textOf(9, dice.int(0, 4999))),
    }),
  },
  {
    name: 'response',
    path: '/v1/responses',
    status: 200,
    body: (dice) => ({
      input: textOf(8, dice.int(0, 4999)),
      stream: dice.chance(0.5),
      max_output_tokens: 16 + dice.int(0, 39),
    }),
  },
  {
    name: 'message',
    path: '/v1/messages',
    status: 200,
    body: (dice) => ({
      model: 'chat',
      messages: said(dice),
      stream: dice.chance(0.5),
      max_tokens: 4 + dice.int(0, 59),
    }),
  },
  {
    name: 'tools',
    path: '/v1/chat/completions',
    status: 200,
    body: (dice) => ({
      messages: said(dice),
      tools: [{ type: 'function', function: tool(dice.int(1, names)) }],
      tool_choice: 'required',
      stream: dice.chance(0.5),
      max_tokens: 60,
    }),
  },
  {
    name: 'form',
    path: '/v1/chat/completions',
    status: 200,
    body: (dice) => ({
      messages: said(dice),
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'form', schema: formOf(dice.int(1, names)) },
      },
      max_tokens: 60,
    }),
  },
  {
    name: 'large prompt',
    path: '/v1/chat/completions',
    status: 200,
    body: (dice) => ({ messages: said(dice, 900), max_tokens: 8, stream: true }),
  },
  {
    name: 'too long a prompt',
    path: '/v1/chat/completions',
    status: 400,
    body: (dice) => ({ messages: said(dice, 4000), max_tokens: 8 }),
  },
  {
    name: 'no JSON',
    path: '/v1/chat/completions',
    status: 400,
    body: (dice) => `{"messages": [${dice.int(0, 4999)}`,
  },
  {
    name: 'unknown model',
    path: '/v1/chat/completions',
    status: 404,
    body: (dice) => ({ model: `model-${dice.int(0, 4999)}`, messages: said(dice) }),
  },
  {
    name: 'bad option',
    path: '/v1/completions',
    status: 400,
    body: (dice) => ({ prompt: 'x', temperature: `${dice.int(0, 4999)}` }),
  },
]

const ways = ['FIN', 'RST', 'abort'] as const
const phases = ['at once', 'some ms later', 'in its headers', 'in its body'] as const

/**
 * Has `clients` clients ask one thing after another until `isOver`, of which 30 % leave before
 * their answer is whole: by a FIN, a reset, or an aborted fetch, in each phase.
 */
export async function mixedLoad(
  served: ServerUnderTest,
  clients: number,
  pauseMs: number,
  isOver: () => boolean,
  breaks = new Breaks(),
): Promise<LoadTally> {
  const tally: LoadTally = { kinds: new Map(), left: new Map(), faults: [] }
  const one = async (seed: number) => {
    const dice = new Dice(seed + 1)
    while (!isOver()) {
      const kind = dice.pick(kinds)
      const isLeaver = dice.chance(0.3)
      try {
        await breaks.ask(() => (isLeaver ? leave : ask)(served, kind, dice, tally))
      } catch (error) {
        tally.faults.push(`${kind.name}: ${error}`)
      }
      await sleep(dice.int(0, 2 * pauseMs))
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, i) => one(i)))
  return tally
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

const headers = { 'content-type': 'application/json' }

async function ask(
  { url }: ServerUnderTest,
  kind: Kind,
  dice: Dice,
  tally: LoadTally,
): Promise<void> {
  const body = kind.body(dice)
  const text = typeof body === 'string' ? body : JSON.stringify({ model: 'chat', ...body })
  const response = await fetch(url + kind.path, { method: 'POST', headers, body: text })
  const answer = await response.text()
  count(tally.kinds, kind.name)
  if (response.status !== kind.status || /"code": ?"(?:server|internal)_error"/.test(answer)) {
    tally.faults.push(`${kind.name}: ${response.status} ${answer.slice(0, 300)}`)
  }
}

async function leave(
  served: ServerUnderTest,
  kind: Kind,
  dice: Dice,
  tally: LoadTally,
): Promise<void> {
  const way = dice.pick(ways)
  const phase = dice.pick(phases)
  const body = kind.body(dice)
  count(tally.left, `${way} ${phase}`)
  const asked = typeof body === 'string' ? body : { model: 'chat', ...body }
  if (way === 'abort') return abort(served, kind, asked, phase, dice)
  const client = await RawClient.connect(served.port)
  client.send(post(kind.path, asked))
  if (phase === 'some ms later') await sleep(dice.int(0, 59))
  if (phase === 'in its headers') await arrived(client, 1)
  if (phase === 'in its body') await arrived(client, 400 + dice.int(0, 2999))
  if (way === 'RST') client.reset()
  else {
    client.fin()
    await sleep(20)
    client.socket.destroy()
  }
}

/** Until so many bytes are there, or half a second has passed. */
async function arrived(client: RawClient, bytes: number): Promise<void> {
  const deadline = performance.now() + 500
  while (client.text.length < bytes && !client.isClosed && performance.now() < deadline) {
    await sleep(2)
  }
}

async function abort(
  { url }: ServerUnderTest,
  { path }: Kind,
  asked: object | string,
  phase: (typeof phases)[number],
  dice: Dice,
): Promise<void> {
  const control = new AbortController()
  const body = typeof asked === 'string' ? asked : JSON.stringify(asked)
  const answer = fetch(url + path, { method: 'POST', headers, body, signal: control.signal })
  const read = answer.then(async (response) => {
    if (phase === 'in its headers') control.abort()
    let wanted = dice.int(0, 2999)
    for await (const part of response.body ?? []) {
      wanted -= part.length
      if (wanted < 0) break
    }
    control.abort()
  })
  if (phase === 'at once') control.abort()
  if (phase === 'some ms later') setTimeout(() => control.abort(), dice.int(0, 59))
  await read.catch((error: Error) => {
    if (error.name !== 'AbortError') throw error
  })
}
