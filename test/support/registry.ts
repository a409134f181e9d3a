import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/**
 * A folder outside of this checkout with these packages (NAME@VERSION) in its node_modules, their
 * scripts not run. It stays for later runs: the same packages are the same folder.
 */
export function installed(packages: readonly string[]): string {
  const key = createHash('sha256').update(packages.join(' ')).digest('hex').slice(0, 12)
  const folder = path.join(tmpdir(), `sluice-packages-${key}`)
  if (existsSync(folder)) return folder
  const unfinished = `${folder}.${process.pid}`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished)
  writeFileSync(path.join(unfinished, 'package.json'), '{ "private": true }')
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...packages]
  const shell = process.platform === 'win32' // npm is npm.cmd there
  const { status, stderr } = spawnSync('npm', args, { cwd: unfinished, encoding: 'utf8', shell })
  if (status !== 0) throw new Error(`npm install ${packages.join(' ')} failed:\n${stderr}`)
  renameSync(unfinished, folder)
  return folder
}
