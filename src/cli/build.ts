import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { packagePath } from './package-root.js'

/** `sluice build`: the package's own build script. @returns its exit code */
export async function buildCommand(backends: string[]): Promise<number> {
  const script = packagePath('scripts/build-native.mjs')
  if (!existsSync(script)) throw new Error(`${script} is missing; install sluice again`)
  const flags = backends.map((backend) => `--${backend}`)
  const child = spawn(process.execPath, [script, ...flags], { stdio: 'inherit' })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })
}
