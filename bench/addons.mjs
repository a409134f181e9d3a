// Compares two builds of Sluice, each in a package's or a checkout's folder (dist/ beside its
// binary):
//
//   node bench/addons.mjs FOLDER-A FOLDER-B MODEL [PAIRS]
//
// Nine pairs A B A B ... unless told otherwise, each run in a process of its own: a prompt of about
// 500 tokens, then one reply of 64 tokens, then four at once, in tokens/s; 32 streams over HTTP, in
// chunks/s; and how soon a short request has its first token where a long one is cancelled in its
// prefill (the mean of ten), as requests/s, so that more is better everywhere. Prints the medians,
// and of the pairs' ratios B/A the median, least and most. Both must have the same threads to
// compare.

import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const measures = ['prompt', 'single', 'four', 'http', 'afterCancel']

const up = (/** @type {number} */ a, /** @type {number} */ b) => a - b

/** @typedef {Record<string, number>} Speeds per second */

if (process.argv[2] === '--measure') {
  console.log(JSON.stringify(await measure(process.argv[3] ?? '', process.argv[4] ?? '')))
} else {
  compare(process.argv.slice(2))
}

/**
 * @param {string} folder
 * @param {string} model
 * @returns {Promise<Speeds>}
 */
async function measure(folder, model) {
  const { load } = await import(pathToFileURL(path.join(folder, 'dist/index.js')).href)
  const http = await import(pathToFileURL(path.join(folder, 'dist/http/index.js')).href)
  const engine = await load({ model, context: 1024, parallel: 32 })
  const prompt = 'Once upon a time there was a fox who lived in a forest. '.repeat(40)
  const say = async (/** @type {string} */ start, /** @type {number} */ maxTokens) => {
    const reply = engine.complete(start + prompt, { maxTokens, ignoreEos: true, temperature: 0 })
    await reply.text()
    return reply.done
  }
  try {
    await say('warm', 8)
    const long = await say('a', 64)
    const { usage, timings } = long
    const start = performance.now()
    const all = await Promise.all(['a', 'a', 'a', 'a'].map((text) => say(text, 64)))
    const ms = performance.now() - start
    const tokens = all.reduce((sum, done) => sum + done.usage.completionTokens, 0)
    return {
      prompt: ((usage.promptTokens - usage.cachedTokens) / timings.prefillMs) * 1000,
      single: (usage.completionTokens / timings.decodeMs) * 1000,
      four: (tokens / ms) * 1000,
      http: await overHttp(http.createServer, engine),
      afterCancel: await afterCancel(engine, prompt),
    }
  } finally {
    await engine.close()
  }
}

/**
 * 32 streams of 64 tokens each.
 * @param {(options: object) => any} createServer
 * @param {unknown} engine
 */
async function overHttp(createServer, engine) {
  const server = createServer({ engine, port: 0 })
  const { url } = await server.listen()
  const body = JSON.stringify({
    model: 'default',
    prompt: 'Once upon a time',
    max_tokens: 64,
    ignore_eos: true,
    stream: true,
  })
  const headers = { 'content-type': 'application/json' }
  const chunksOf = async () => {
    const response = await fetch(`${url}/v1/completions`, { method: 'POST', headers, body })
    return (await response.text()).split('\n\n').length
  }
  await chunksOf()
  const start = performance.now()
  const counts = await Promise.all(Array.from({ length: 32 }, chunksOf))
  const seconds = (performance.now() - start) / 1000
  await server.close()
  return counts.reduce((sum, count) => sum + count, 0) / seconds
}

/**
 * @param {any} engine
 * @param {string} prompt
 */
async function afterCancel(engine, prompt) {
  const rounds = 10
  let ms = 0
  for (let i = 0; i < rounds; i++) {
    const long = engine.complete(`${i} ${prompt}`, { maxTokens: 1, cacheSalt: `${i}` })
    await long.accepted
    await new Promise((resolve) => setTimeout(resolve, 20)) // in its prefill by then
    const start = performance.now()
    long.cancel()
    await engine.complete('Once', { maxTokens: 1, ignoreEos: true }).text()
    ms += performance.now() - start
  }
  return (1000 * rounds) / ms
}

/** @param {string[]} args */
function compare([a = '', b = '', model = '', pairs = '9']) {
  if (!model) throw new Error('usage: node bench/addons.mjs FOLDER-A FOLDER-B MODEL [PAIRS]')
  /** @type {[Speeds, Speeds][]} */
  const results = []
  for (let i = 0; i < Number(pairs); i++) {
    results.push([inProcess(a, model), inProcess(b, model)])
    console.error(`pair ${i + 1}: ${JSON.stringify(results.at(-1))}`)
  }
  for (const name of measures) {
    const of = (/** @type {0 | 1} */ side) => results.map((pair) => pair[side][name] ?? Number.NaN)
    const ratios = results.map(([left, right]) => (right[name] ?? 0) / (left[name] ?? 1)).sort(up)
    const range = `${ratios[0]?.toFixed(3)} to ${ratios.at(-1)?.toFixed(3)}`
    console.log(
      `${name}: A ${median(of(0)).toFixed(1)}, B ${median(of(1)).toFixed(1)} per second; ` +
        `B/A ${median(ratios).toFixed(3)} (${range})`,
    )
  }
}

/** @param {string} folder @param {string} model @returns {Speeds} */
function inProcess(folder, model) {
  const args = [import.meta.filename, '--measure', path.resolve(folder), path.resolve(model)]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
}

/** @param {number[]} values */
function median(values) {
  const sorted = [...values].sort(up)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
