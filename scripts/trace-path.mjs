// Which files of src one streamed POST /v1/chat/completions passes through, in order: a request is
// sent to a server of dist over the embedded model, and every function that is entered until its
// last byte is written tells its file.
//
//     node scripts/trace-path.mjs [dist]
//
// A file is passed through if one of its functions calls into another file: it takes the request,
// or its reply, and hands it on. To call back who is calling is no handing on. All others only
// answer what they are asked (a check, a regular expression, a line of text). Both are counted, and
// so are the stays: entries into a file from another one. Types, what runs while modules load, what
// a first request sets up, and what follows the last byte (log, metrics) are no part.

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
  ['engine', /^/],
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
  const callers = new Set(entries.map(({ caller }) => caller))
  const stays = entries.filter(({ file }, i) => file !== entries[i - 1]?.file).length
  const passed = files.filter((file) => callers.has(file))
  const asked = files.filter((file) => !callers.has(file))
  /** @param {string} text */
  const write = (text) => process.stdout.write(`${text}\n`)
  /** @param {readonly string[]} some */
  const list = (some) => {
    for (const [group, pattern] of groups) {
      const own = some.filter((file) => groups.find(([, one]) => one.test(file))?.[1] === pattern)
      if (own.length === 0) continue
      write(`  ${group}: ${own.length}`)
      for (const file of own)
        write(`    ${passed.includes(file) ? `${passed.indexOf(file) + 1}. ` : ''}src/${file}`)
    }
  }
  write(`passed through: ${passed.length} files, in the order of the numbers`)
  list(passed)
  write(`asked by them: ${asked.length} more`)
  list(asked)
  write(`in all: ${files.length} files, ${stays} stays`)
}
