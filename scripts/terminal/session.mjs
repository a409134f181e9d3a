// A shell in a pseudo terminal, by `script` of util-linux: what is typed is echoed, and all that
// comes is kept with its time.

import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

/** @typedef {import('./screen.mjs').Output} Output */

const prompt = '$ '
const ownEnvironment = { TERM: 'xterm', NPM_CONFIG_PROGRESS: 'false' }
/** Between two keys. */
const keyMs = 12
/** For what is waited for: the machine may be busy. */
const patienceMs = 60_000

/** A shell at work. Owned by who opened it; close() ends it. */
export class TerminalSession {
  /** @type {Output[]} since the last clear */
  outputs = []
  #text = ''
  #startedAt = performance.now()
  #shell
  #ended

  /**
   * @param {string} cwd
   * @param {number} columns
   */
  constructor(cwd, columns) {
    const bash = `PS1='${prompt}' exec bash --norc --noprofile --noediting -i`
    const clean = Object.entries(process.env).filter(([name]) => !/^(?:SLUICE|npm)_/i.test(name))
    this.#shell = spawn('script', ['-qefc', `stty cols ${columns} rows 60; ${bash}`, '/dev/null'], {
      cwd,
      env: { ...Object.fromEntries(clean), ...ownEnvironment, XDG_STATE_HOME: cwd },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#ended = new Promise((resolve, reject) => {
      this.#shell.once('error', reject)
      this.#shell.once('close', resolve)
    })
    this.#ended.catch(() => undefined) // close() tells of it
    this.#shell.stdout.setEncoding('utf8').on('data', (text) => {
      this.outputs.push({ at: performance.now() - this.#startedAt, text })
      this.#text += text
    })
  }

  /** Forgets what came, but for the prompt. */
  restart() {
    this.outputs = [{ at: 0, text: prompt }]
    this.#text = ''
    this.#startedAt = performance.now()
  }

  /** @param {number} ms how long the screen is to be shown as it is */
  rest(ms) {
    this.outputs.push({ at: performance.now() - this.#startedAt, text: '', restMs: ms })
  }

  /**
   * Types a line, key by key, and waits for what its output must have.
   * @param {string} line
   * @param {RegExp} [awaited] default: the next prompt
   */
  async type(line, awaited) {
    for (const key of line) {
      this.#shell.stdin.write(key)
      await sleep(keyMs)
    }
    await this.paste('', awaited)
  }

  /**
   * The same, all keys at once.
   * @param {string} line
   * @param {RegExp} [awaited]
   */
  async paste(line, awaited = /\$ $/) {
    this.#shell.stdin.write(line)
    await sleep(keyMs)
    const before = this.#text.length
    this.#shell.stdin.write('\n')
    await this.until(awaited, before)
  }

  /**
   * @param {RegExp} awaited
   * @param {number} [since]
   */
  async until(awaited, since = 0) {
    const deadline = performance.now() + patienceMs
    while (!awaited.test(this.#text.slice(since))) {
      if (performance.now() > deadline) {
        throw new Error(`${awaited} never came, only: ${this.#text}`)
      }
      await sleep(5)
    }
  }

  /** Ends a command in the background too, with all of its process group, as npx does not. */
  async close() {
    this.#shell.stdin.end('kill %1; wait; exit\n')
    await this.#ended
  }
}
