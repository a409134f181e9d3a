import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { packagePath } from './package-root.js'

/** `sluice build`: the package's own build script. @returns its exit code */
export async function buildCommand(backends: string[]): Promise<number> {
  const script = packagePath('scripts/build-native.mjs')
  if (!existsSync(script)) throw new Error(`${script} is missing; install sluice again`)
  const flags = backends.map((backend) => `--${backend}`)
  const child = start([script, ...flags])
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
}

/**
 * On a terminal the compiler has it to itself, for its colours. A pipe goes through this process:
 * where its reader leaves, the compiler would be ended in the middle.
 */
function start(args: string[]): ChildProcess {
  if (process.stdout.isTTY && process.stderr.isTTY) {
    return spawn(process.execPath, args, { stdio: 'inherit' })
  }
  const child = spawn(process.execPath, args, { stdio: ['inherit', 'pipe', 'pipe'] })
  forward(child.stdout, process.stdout)
  forward(child.stderr, process.stderr)
  return child
}

/** Once `to` takes nothing more, the rest is read and dropped. */
function forward(from: Readable, to: Writable): void {
  let isOpen = true
  to.once('error', () => {
    isOpen = false
    from.resume()
  })
  from.on('data', (part) => {
    if (!isOpen || to.write(part)) return
    from.pause()
    to.once('drain', () => from.resume())
  })
}
