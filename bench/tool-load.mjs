// What an agent's tools take of JavaScript's thread, in a build of Sluice (a package's or a
// checkout's folder, with dist/ beside its binary):
//
//   node bench/tool-load.mjs FOLDER MODEL [TEMPLATE [TOOLS [KIB]]]
//
// A server gets a chat with 150 tools of 200 KiB, then the same twice more, three times over with
// other tools. For each request: the longest turns of the event loop and their sum, in ms of the
// processor time of JavaScript's thread, so that what others do on the machine counts little. MODEL
// should have a context so short that the prompt is refused (--context is 2048 here), or each
// request takes as long as its prefill; TEMPLATE is a file with a chat template that knows tools.
// Linux only.

import { fork } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

if (process.argv[2] === '--client') answerParent()
else await main(process.argv.slice(2))

/** Asks in a process of its own: what a client takes is none of the server's. */
function answerParent() {
  process.on('message', async (given) => {
    const { url, body } = /** @type {{ url: string, body: string }} */ (given)
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', body, headers })
    await response.text()
    process.send?.(response.status)
  })
}

/** @param {string[]} args */
async function main([folder = '.', model = '', template, count = '150', kib = '200']) {
  const { load } = await import(pathToFileURL(path.join(folder, 'dist/index.js')).href)
  const http = await import(pathToFileURL(path.join(folder, 'dist/http/index.js')).href)
  const chatTemplate = template && { chatTemplate: fs.readFileSync(template, 'utf8') }
  const engine = await load({ model, context: 2048, parallel: 1, ...chatTemplate })
  const server = http.createServer({ engine, port: 0 })
  const { url } = await server.listen()
  const client = fork(import.meta.filename, ['--client'])
  const ask = (/** @type {string} */ body) => {
    return new Promise((resolve) => {
      client.once('message', resolve)
      client.send({ url, body })
    })
  }
  try {
    for (const round of [1, 2, 3]) {
      const body = chatOf(round, Number(count), Number(kib) * 1024)
      for (const label of ['first', 'again', 'again']) {
        const turns = await turnsOf(() => ask(body))
        const longest = turns.sort((a, b) => b - a).slice(0, 4)
        const sum = turns.reduce((all, turn) => all + turn, 0)
        const shown = longest.map((turn) => turn.toFixed(1).padStart(6)).join('')
        console.log(`${label}: longest turns${shown} ms, all ${sum.toFixed(0)} ms`)
      }
    }
  } finally {
    client.disconnect()
    await server.close()
    await engine.close()
  }
}

/**
 * Turns of 0.5 ms and more while something runs.
 * @param {() => Promise<unknown>} run
 */
async function turnsOf(run) {
  const clock = fs.openSync(`/proc/self/task/${process.pid}/schedstat`, 'r')
  /** @type {number[]} */
  const turns = []
  let isRunning = true
  let since = cpuMs(clock)
  const turn = () => {
    const now = cpuMs(clock)
    if (now - since >= 0.5) turns.push(now - since)
    since = now
    if (isRunning) setImmediate(turn)
  }
  turn()
  await run()
  isRunning = false
  return turns
}

/** @param {number} clock */
function cpuMs(clock) {
  process.cpuUsage() // has the kernel add up what runs right now
  const text = Buffer.alloc(64)
  fs.readSync(clock, text, 0, 64, 0)
  return Number.parseInt(text.toString('latin1'), 10) / 1e6
}

/**
 * @param {number} round
 * @param {number} count
 * @param {number} bytes
 */
function chatOf(round, count, bytes) {
  const kinds = [
    { type: 'string' },
    { type: 'integer', minimum: 0, maximum: 100 },
    { type: 'string', enum: ['one', 'two', 'three'] },
    { type: 'array', items: { type: 'string' } },
    { anyOf: [{ type: 'string' }, { type: 'null' }], default: null },
    { type: 'object', properties: { to: { type: 'string', pattern: '^[a-z]{2,20}$' } } },
  ]
  const tools = Array.from({ length: count }, (_, number) => {
    /** @type {Record<string, unknown>} */
    const properties = {}
    const name = `server_${number % 6}.do-${number}`
    const parameters = { type: 'object', properties, required: ['p0'] }
    const tool = { type: 'function', function: { name, description: name, parameters } }
    for (let p = 0; JSON.stringify(tool).length < bytes / count; p++) {
      const description = `What the tool ${number} shall read or write there, ${round}.${p}`
      properties[`p${p}`] = { ...kinds[(p + number) % kinds.length], description }
    }
    return tool
  })
  const messages = [{ role: 'user', content: 'Hi' }]
  return JSON.stringify({ model: 'default', messages, max_tokens: 1, tools })
}
