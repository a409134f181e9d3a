import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { toolHere } from './package.js'

/**
 * A folder outside of this checkout with these packages (NAME@VERSION) in its node_modules, their
 * scripts not run. It stays for later runs: the same packages are the same folder.
 */
export function installed(
  packages: readonly string[],
  overrides: Record<string, string> = {},
): string {
  const text = JSON.stringify([packages, overrides])
  const key = createHash('sha256').update(text).digest('hex').slice(0, 12)
  const folder = path.join(tmpdir(), `sluice-packages-${key}`)
  if (existsSync(folder)) return folder
  const unfinished = `${folder}.${process.pid}`
  try {
    mkdirSync(unfinished)
    const manifest = JSON.stringify({ private: true, overrides })
    writeFileSync(path.join(unfinished, 'package.json'), manifest)
    install(packages, unfinished)
    takePlace(unfinished, folder)
    return folder
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

function install(packages: readonly string[], cwd: string): void {
  const { node, npm } = toolHere()
  const args = [npm, 'install', '--ignore-scripts', '--no-audit', '--no-fund', ...packages]
  const { status, stderr } = spawnSync(node, args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`npm install ${packages.join(' ')} failed:\n${stderr}`)
}

/** Another run of the tests may have been first: then its folder is as good. */
function takePlace(unfinished: string, folder: string): void {
  try {
    renameSync(unfinished, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
  }
}
