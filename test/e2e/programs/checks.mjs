// What the programs beside this one share: `PROGRAM FOLDER URL`, with the client's packages
// installed in FOLDER and a server of test/support/client-server.ts at URL.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder, url] = process.argv.slice(2)
const { resolve } = createRequire(path.join(folder, 'package.json'))

export const baseURL = `${url}/v1`
export const apiKey = 'your-api-key'
export const question = 'What is the weather in the capital of Norway?'
export const city = 'Oslo (NO)'
/** In the model's thoughts and in the string of its form: only in a text is it where to stop. */
export const stop = 'HALT'
export const thought = 'Shall I HALT? No.'
export const answer = { city, isSunny: true, note: 'do not HALT' }
export const tells = 'Tells the weather'

/** An entry point that a package may have for `import` only. */
export async function from(name) {
  const [scope, second] = name.split('/')
  const pack = scope.startsWith('@') ? `${scope}/${second}` : scope
  return import(pathToFileURL(entryOf(name, pack)).href)
}

function entryOf(name, pack) {
  try {
    return resolve(name)
  } catch (error) {
    if (error.code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw error
    const manifest = path.join(folder, 'node_modules', pack, 'package.json')
    const { exports, main } = createRequire(manifest)(manifest)
    const entry = exports[`.${name.slice(pack.length)}`]
    return path.join(
      path.dirname(manifest),
      entry.import?.default ?? entry.import ?? entry.default ?? main,
    )
  }
}

/** Runs each of the checks, says its name, and ends with 1 where one failed. */
export async function runChecks(checks) {
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check()
      console.log(`ok ${name}`)
    } catch (error) {
      console.log(`not ok ${name}`)
      console.error(error)
      process.exitCode = 1
    }
  }
  // Clients keep their connections.
  setImmediate(() => process.exit())
}

/** What a function of the tool was asked. */
export function weather() {
  const asked = []
  const ask = ({ city }) => {
    asked.push(city)
    return `sunny in ${city}`
  }
  return { asked, ask }
}

export async function thrown(promise) {
  return promise.then(
    () => assert.fail('it was not refused'),
    (error) => error,
  )
}

const { z } = await from('zod')

export { z }
/** What is asked for, and what the tool takes. */
export const form = z.object({ city: z.string(), isSunny: z.boolean(), note: z.string() })
export const where = z.object({ city: z.string() })
