import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { checkoutRoot } from './package.js'

/**
 * The files of this checkout that the last build of the addon has read, for CMake or a compiler:
 * paths from its root. What only test programs read is left out.
 */
export function buildInputs(): string[] {
  const folder = buildFolder()
  const isNinja = fs.existsSync(path.join(folder, 'build.ninja'))
  const files = isNinja ? readByNinja(folder) : readByMake(folder)
  const own = files.map((file) => path.relative(checkoutRoot, path.resolve(folder, file)))
  const outside = /^\.\.|^build|^node_modules|(^|\/)(tests?|\.git)\//
  const kept = own.filter((file) => !outside.test(file) && !testsOnly.has(file))
  return [...new Set(kept)].sort()
}

/** Programs of ours that a package does not build. */
const testsOnly = new Set(['bench/native/masks.cpp'])

function buildFolder(): string {
  const builds = path.join(checkoutRoot, 'build-cmake')
  const names = fs.readdirSync(builds).filter((name) => /^(cpu|metal)-\w+-release$/.test(name))
  const [name, ...others] = names.sort()
  if (name === undefined) throw new Error(`no build of the addon in ${builds}; run: npm start`)
  if (others.length > 0) throw new Error(`several builds in ${builds}: ${names.join(', ')}`)
  return path.join(builds, name)
}

function readByNinja(folder: string): string[] {
  const run = { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 28 } as const
  const compiled = execFileSync('ninja', ['-t', 'deps'], run)
  const configured = fs.readFileSync(path.join(folder, 'build.ninja'), 'utf8')
  const [, list = ''] = /^build build\.ninja: RERUN_CMAKE (.*)$/m.exec(configured) ?? []
  return [...compiled.matchAll(/^ {4}(.+)$/gm)].map(([, file = '']) => file).concat(words(list))
}

function readByMake(folder: string): string[] {
  const lists = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).flatMap((file) => {
    const name = path.basename(file)
    if (!/^(.*\.d|compiler_depend\.make|Makefile\.cmake)$/.test(name)) return []
    const isFile = fs.statSync(path.join(folder, file)).isFile()
    return isFile ? fs.readFileSync(path.join(folder, file), 'utf8') : []
  })
  const text = lists.join('\n').replaceAll(/^#.*$/gm, '').replaceAll('\\\n', ' ')
  return words(text.replaceAll('"', ' ')).filter((word) => !word.endsWith(':'))
}

const words = (text: string) => text.split(/\s+/).filter((word) => /[\w]/.test(word))
