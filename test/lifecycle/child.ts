import { fork } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { randomModel } from '../support/random-model.js'

/** SLUICE_TEST_PACKAGE names a package whose children are run instead, with its own addon. */
function childFolder(): string {
  const { SLUICE_TEST_PACKAGE } = process.env
  if (SLUICE_TEST_PACKAGE) return path.join(SLUICE_TEST_PACKAGE, 'test/lifecycle/children')
  return path.join(path.dirname(fileURLToPath(import.meta.url)), 'children')
}

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
  messages: unknown[]
}

/**
 * Runs test/lifecycle/children/NAME.mjs in a process of its own, with a model's path as its
 * argument. `onMessage` may signal the child.
 */
export function runChild(
  name: string,
  onMessage: (message: unknown, kill: (signal: NodeJS.Signals) => void) => void = () => undefined,
  model = randomModel(),
): Promise<Exit> {
  const child = fork(path.join(childFolder(), `${name}.mjs`), [model], { silent: true })
  const exit: Exit = { code: null, signal: null, stdout: '', stderr: '', messages: [] }
  child.stdout?.on('data', (chunk) => {
    exit.stdout += chunk
  })
  child.stderr?.on('data', (chunk) => {
    exit.stderr += chunk
  })
  child.on('message', (message) => {
    exit.messages.push(message)
    onMessage(message, (signal) => child.kill(signal))
  })
  return new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ ...exit, code, signal }))
  })
}

/** The same child again and again, because what goes wrong at an exit goes wrong sometimes. */
export async function runChildren(name: string, times = 5, model?: string): Promise<Exit[]> {
  const exits: Exit[] = []
  for (let i = 0; i < times; i++) exits.push(await runChild(name, undefined, model))
  return exits
}
