import { fork } from 'node:child_process'
import path from 'node:path'
import { randomModel } from '../support/models/random-model.js'
import {
  nodeUnderTest,
  packageUnderTest,
  programs,
} from '../support/packages/package-under-test.js'

const folder = programs('test/lifecycle/children')
/** Whether there is no addon that fails on plan: it is this checkout's, and Linux's. */
export const isWithoutFaults =
  process.platform !== 'linux' || packageUnderTest !== path.resolve('.')

const LLAMA_CPP_DIR = process.env.LLAMA_CPP_DIR ?? path.resolve('deps/llama.cpp')

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
  messages: unknown[]
}

/**
 * Runs test/lifecycle/children/NAME.mjs in a process of its own, with a model's path as its
 * argument. `onMessage` may signal the child; `env` is beside this process's environment.
 */
export function runChild(
  name: string,
  onMessage: (message: unknown, kill: (signal: NodeJS.Signals) => void) => void = () => undefined,
  model = randomModel(),
  env: Record<string, string> = {},
): Promise<Exit> {
  const child = fork(path.join(folder, `${name}.mjs`), [model], {
    silent: true,
    execPath: nodeUnderTest,
    execArgv: [], // none of the test runner's
    env: { ...process.env, LLAMA_CPP_DIR, ...env },
  })
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
