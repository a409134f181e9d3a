// `node scripts/terminal/record.mjs [--picture=chat] [--out=FILE] [--port=N]`: runs commands in a
// terminal and makes docs/images/terminal.svg, or chat.svg, of what they said. The texts are those
// of the run. Its pace is not: all of it is shown slower, since the small model's replies take a
// moment, and long pauses are cut.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { inRoot, root } from '../support/root.mjs'
import { runMain, Stop } from '../support/stop.mjs'
import { pictureOf } from './picture.mjs'
import { piecesOf } from './screen.mjs'
import { TerminalSession } from './session.mjs'

/** @typedef {import('./screen.mjs').Output} Output */

const columns = 76
const slowdown = 6
const pauseMaxMs = 900

/** What is typed; with a seed, so that another recording shows the same replies. */
const run = 'npx sluice run "Tell me a story about a fox" --seed 12 --temperature 0.5'
const piped = 'echo "Tell me a story" | npx sluice run --seed 8 --temperature 0.5 --max-tokens 24'
const request = {
  model: 'default',
  messages: [{ role: 'user', content: 'Tell me a story' }],
  stream: true,
  max_tokens: 24,
  seed: 8,
}
/** @param {number} port */
const serveLine = (port) => `npx sluice serve${port === 8080 ? '' : ` --port ${port}`} &`
/** @param {number} port */
const curlLine = (port) =>
  `curl -sN http://127.0.0.1:${port}/v1/chat/completions` +
  ` -H 'Content-Type: application/json' -d '${JSON.stringify(request)}'` +
  ` | grep -o --line-buffered '"content":"[^"]*"'`

const chat = 'npx sluice chat --seed 12 --temperature 0.5'
const atChat = />>> [^ ]*5G$/ // where readline puts the cursor

/**
 * @typedef {object} Picture
 * @property {string} title
 * @property {(session: TerminalSession, port: number) => Promise<void>} perform
 */

/** @type {Readonly<Record<string, Picture>>} */
const pictures = {
  terminal: {
    title: 'A terminal: sluice run tells a story, sluice serve streams one to curl',
    perform: performCommands,
  },
  chat: {
    title: 'A terminal: sluice chat tells stories, and says how fast it did',
    perform: performChat,
  },
}

/**
 * @param {Picture} picture
 * @param {string} out
 * @param {number} port
 */
async function record({ title, perform }, out, port) {
  if (process.platform !== 'linux') throw new Stop('Recording takes `script` of util-linux: Linux.')
  const folder = projectOf()
  const session = new TerminalSession(folder, columns)
  try {
    await session.until(/\$ $/)
    await session.type('clear')
    session.restart()
    await perform(session, port)
    fs.mkdirSync(path.dirname(out), { recursive: true })
    fs.writeFileSync(out, pictureOf(piecesOf(paced(session.outputs), columns), { columns, title }))
  } finally {
    await session.close()
    fs.rmSync(folder, { recursive: true })
  }
  console.log(`${out}: ${fs.statSync(out).size} bytes`)
}

/**
 * @param {TerminalSession} session
 * @param {number} port
 */
async function performCommands(session, port) {
  await session.type(run)
  session.rest(2500)
  await session.type(piped)
  session.rest(2500)
  await session.type('clear')
  await session.type(serveLine(port), /\ncurl -N [^\n]*\n/)
  session.rest(1500)
  await session.type('')
  await session.paste(curlLine(port), /completions .*200.* done \d+ ms [^\n]*\n/)
}

/** @param {TerminalSession} session */
async function performChat(session) {
  await session.type(chat, atChat)
  session.rest(1000)
  await session.type('Tell me a story about a fox', atChat)
  session.rest(2000)
  await session.type('Tell me another one,\\', /\.\.\. /)
  await session.type('about an owl', atChat)
  session.rest(2000)
  await session.type('/set temprature 1', atChat)
  await session.type('/undo', atChat)
  session.rest(1000)
  await session.type('/quit')
}

/** A folder where `npx sluice` is this checkout's. */
function projectOf() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-recording-'))
  fs.mkdirSync(path.join(folder, 'node_modules/.bin'), { recursive: true })
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n')
  fs.symlinkSync(root, path.join(folder, 'node_modules/sluice'))
  fs.symlinkSync('../sluice/dist/cli/main.cjs', path.join(folder, 'node_modules/.bin/sluice'))
  return folder
}

/**
 * @param {readonly Output[]} outputs
 * @returns {Output[]}
 */
function paced(outputs) {
  let shownAt = 0
  let cameAt = outputs[0]?.at ?? 0
  return outputs.map(({ at, text, restMs = 0 }) => {
    shownAt += Math.min((at - cameAt) * slowdown, pauseMaxMs) + restMs
    cameAt = at
    return { at: shownAt, text }
  })
}

/** @param {string} name */
function option(name) {
  const start = `--${name}=`
  return process.argv.find((arg) => arg.startsWith(start))?.slice(start.length)
}

await runMain(async () => {
  const name = option('picture') ?? 'terminal'
  const picture = pictures[name]
  if (picture === undefined) throw new Stop(`--picture is ${Object.keys(pictures).join(' or ')}`)
  const out = option('out') ?? inRoot(`docs/images/${name}.svg`)
  await record(picture, out, Number(option('port') ?? 8080))
})
