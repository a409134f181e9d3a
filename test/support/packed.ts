import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const checkout = path.resolve(import.meta.dirname, '../..')

/** What `npm publish` would send of this checkout, which must be built. */
export interface Packed {
  /** A new project with the package in it, unpacked, and its dependencies. */
  readonly project: string
  readonly tarball: Buffer
  remove(): void
}

/** Takes some ten seconds: llama.cpp's source is part of it. */
export function packPackage(): Packed {
  const project = mkdtempSync(path.join(tmpdir(), 'sluice-packed-'))
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', project]
  const shell = process.platform === 'win32' // npm is npm.cmd there
  const { status, stdout, stderr } = spawnSync('npm', args, {
    cwd: checkout,
    encoding: 'utf8',
    shell,
    maxBuffer: 2 ** 26,
  })
  if (status !== 0) throw new Error(`npm pack failed: ${stderr}`)
  const [{ filename }] = JSON.parse(stdout)
  const home = path.join(project, 'node_modules/sluice')
  mkdirSync(home, { recursive: true })
  const archive = path.join(project, filename)
  execFileSync('tar', ['-xzf', archive, '-C', home, '--strip-components=1'])
  writeFileSync(path.join(project, 'package.json'), '{ "private": true, "type": "module" }')
  const { dependencies } = JSON.parse(readFileSync(path.join(home, 'package.json'), 'utf8'))
  mkdirSync(path.join(project, 'node_modules/@types'))
  for (const name of [...Object.keys(dependencies), '@types/node']) {
    const installed = path.join(checkout, 'node_modules', name)
    symlinkSync(installed, path.join(project, 'node_modules', name), 'junction')
  }
  const remove = () => rmSync(project, { recursive: true, force: true })
  return { project, tarball: readFileSync(archive), remove }
}
