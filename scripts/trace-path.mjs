// Which files of src one streamed POST /v1/chat/completions passes through, in order: a request is
// sent to a server of dist over the embedded model, and every function that is entered until its
// last byte is written tells its file.
//
//     node scripts/trace-path.mjs [dist]
//
// Files are told apart by which other files their functions call (to call back is no call):
//
// - the path: those that call a file which calls others in turn. They take the request, or its
//   reply, and hand it on.
// - those that are asked and ask others, which answer alone.
// - those that answer alone: a check, an expression, a line of text.
//
// A stay is an entry into a file from another one. Types, what runs while modules load, what a
// first request sets up, and what follows the last byte (log, metrics) are no part.

import { request, ServerResponse } from 'node:http'
import { register } from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const home = path.resolve(fileURLToPath(import.meta.url), '../..')
const folder = path.resolve(process.argv[2] ?? path.join(home, 'dist'))
const dist = `${pathToFileURL(folder)}/`
const body = JSON.stringify({
  model: 'default',
  messages: [{ role: 'user', content: 'Tell me a story about a fox' }],
  max_tokens: 1,
  stream: true,
})

/** @type {[name: string, pattern: RegExp][]} */
const groups = [
  ['adapter and door', /^http\//],
  ['protocol', /^(apis|openai)\//],
  ['call and runner', /^web\//],
  ['host and engine', /^/],
]

register('./trace-hooks.mjs', import.meta.url, { data: { dist } })
Error.stackTraceLimit = 30
const { load } = await import(`${dist}index.js`)
const { createServer } = await import(`${dist}http/index.js`)
const engine = await load({ model: path.join(home, 'models/storyteller.gguf') })
const server = createServer({ engine, port: 0 })
const { port } = await server.listen()

await ask()
/** @type {{ file: string, caller: string | undefined }[]} */
const entries = []
const hooked = /** @type {{ onFunction?: ((file: string) => void) | undefined }} */ (globalThis)
hooked.onFunction = (/** @type {string} */ file) => entries.push({ file, caller: callerOf(file) })
const { end } = ServerResponse.prototype
ServerResponse.prototype.end = /** @type {typeof end} */ (
  function (/** @type {any[]} */ ...given) {
    hooked.onFunction = undefined
    return Reflect.apply(end, this, given)
  }
)
await ask()
await server.close()
await engine.close()
report()

/** Resolves once the connection of one request has ended, as has what the server does after it. */
async function ask() {
  await new Promise((/** @type {(value?: unknown) => void} */ resolve, reject) => {
    const headers = { 'content-type': 'application/json', connection: 'close' }
    const sent = request({ port, path: '/v1/chat/completions', method: 'POST', headers })
    sent.on('response', (response) => response.on('close', resolve).resume())
    sent.on('error', reject).end(body)
  })
  await new Promise((resolve) => setTimeout(resolve, 100))
}

/**
 * The file that called the function which was entered last; undefined where the event loop did, or
 * one that it called itself.
 * @param {string} file
 */
function callerOf(file) {
  const calls = (new Error().stack ?? '').split('\n').slice(3) // below onFunction and the function
  const files = calls.flatMap((call) => {
    const at = call.indexOf(dist)
    if (at < 0 || call.includes('at async ')) return []
    return [`${call.slice(at + dist.length).split('.js:', 1)[0]}.ts`]
  })
  const others = files.slice(files.findIndex((one) => one !== file))
  return others.includes(file) ? undefined : others[0]
}

function report() {
  const files = [...new Set(entries.map(({ file }) => file))]
  /** @type {Map<string | undefined, Set<string>>} */
  const calls = new Map()
  for (const { file, caller } of entries) {
    calls.set(caller, (calls.get(caller) ?? new Set()).add(file))
  }
  const hasCalls = (/** @type {string} */ file) => calls.has(file)
  const path = files.filter((file) => [...(calls.get(file) ?? [])].some(hasCalls))
  const asking = files.filter((file) => hasCalls(file) && !path.includes(file))
  const alone = files.filter((file) => !hasCalls(file))
  const stays = entries.filter(({ file }, i) => file !== entries[i - 1]?.file).length
  print(`the path: ${path.length} files, numbered in order`, path, true)
  print(`asked, and asking others: ${asking.length}`, asking)
  print(`answering alone: ${alone.length}`, alone)
  process.stdout.write(`in all: ${files.length} files, ${stays} stays\n`)
}

/**
 * @param {string} title
 * @param {readonly string[]} files
 * @param {boolean} [isNumbered]
 */
function print(title, files, isNumbered = false) {
  const lines = groups.flatMap(([group, pattern]) => {
    const own = files.filter((file) => groups.find(([, one]) => one.test(file))?.[1] === pattern)
    const numbered = own.map((file) => {
      return `    ${isNumbered ? `${files.indexOf(file) + 1}. ` : ''}src/${file}`
    })
    return own.length === 0 ? [] : [`  ${group}: ${own.length}`, ...numbered]
  })
  process.stdout.write([title, ...lines, ''].join('\n'))
}
