import { spawn } from 'node:child_process'

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env]
 * @property {boolean} [quiet] keeps the output back and returns it instead of showing it
 * @property {boolean} [shell]
 * @property {number} [timeout] in milliseconds
 *
 * @typedef {{ status: number, output: string }} RunResult
 */

/**
 * Runs a program to its end; never rejects: a program that cannot be started has status 127.
 * @param {string} command
 * @param {string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<RunResult>}
 */
export function run(command, args, { quiet = false, ...options } = {}) {
  return new Promise((resolve) => {
    const stdio = quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit'
    const child = spawn(command, args, { ...options, stdio: /** @type {any} */ (stdio) })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        output += text
      })
    }
    child.on('error', (error) => resolve({ status: 127, output: error.message }))
    child.on('close', (code, signal) => resolve({ status: code ?? (signal ? 128 : 1), output }))
  })
}

/**
 * Runs the npm that runs us, or else the one on the PATH.
 * @param {string[]} args
 * @param {RunOptions} [options]
 */
export function npm(args, options) {
  const cli = process.env.npm_execpath
  if (cli?.endsWith('npm-cli.js')) return run(process.execPath, [cli, ...args], options)
  return run('npm', args, { ...options, shell: process.platform === 'win32' })
}
