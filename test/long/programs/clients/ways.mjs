// What the programs beside this one share: `PROGRAM FOLDER URL CASES`, with the client's packages
// installed in FOLDER, a server of test/support/clients at URL, and in CASES, as JSON, the names of
// the cases of each wire. A way is one function of a client that a program may use. Each line of
// the output is what one way did in one case.
const [, url, casesJson] = process.argv.slice(2)
const longestMs = 120_000

export const ask = [{ role: 'user', content: 'What is the weather in Oslo?' }]
export const schema = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
}

/**
 * @param {Record<string, { wire: string, run: (at: object) => Promise<void> }>} ways `run` notes
 *   in `at.seen` what it sees, calls `at.text()` with each piece of text, and gives `at.signal` to
 *   its request
 */
export async function runWays(ways) {
  const casesOf = JSON.parse(casesJson)
  const all = Object.entries(ways).flatMap(([way, { wire, run }]) => {
    return casesOf[wire].map((name) => report(wire, way, name, run))
  })
  await Promise.all(all)
  // Clients keep their connections.
  setImmediate(() => process.exit())
}

async function report(wire, way, name, run) {
  const leaving = new AbortController()
  const seen = { text: '' }
  const at = {
    base: `${url}/${encodeURIComponent(way)}/${name}`,
    name,
    seen,
    signal: leaving.signal,
    text(piece) {
      seen.text += piece
      if (name === 'abort' && !leaving.signal.aborted) {
        seen.abortedAt = Date.now()
        leaving.abort()
      }
    },
  }
  const late = new Promise((resolve) => setTimeout(resolve, longestMs, 'late').unref())
  try {
    if ((await Promise.race([run(at), late])) === 'late') seen.error = 'no end'
  } catch (error) {
    seen.error = named(error)
  }
  console.log(JSON.stringify({ wire, way, name, seen }))
}

/** Adds to a list of what is seen. */
export function note(seen, list, value) {
  seen[list] = [...(seen[list] ?? []), value]
}

export function named(error) {
  if (!(error instanceof Error)) return JSON.stringify(error)
  const name = error.name === 'Error' ? error.constructor.name : error.name
  return `${name}: ${error.message}`.replace(/\s+/g, ' ')
}
