import path from 'node:path'
import ts from 'typescript'
import type { SourceFile } from './files.js'

/** Each circle of imports, once, as `src/a.ts -> src/b.ts -> src/a.ts`. Types count as well. */
export function scriptCircles(files: readonly SourceFile[]): string[] {
  return circlesOf(new Map(files.filter(isOfSrc).map((file) => [file.path, importsOf(file)])))
}

/** The same of the headers in native/, which include each other by their path in it. */
export function headerCircles(files: readonly SourceFile[]): string[] {
  return circlesOf(new Map(files.filter(isHeader).map((file) => [file.path, includesOf(file)])))
}

const isOfSrc = ({ path: name }: SourceFile) => /^src\/.*\.ts$/.test(name)
const isHeader = ({ path: name }: SourceFile) => /^native\/.*\.h$/.test(name)

function importsOf({ path: name, text }: SourceFile): string[] {
  return ts.preProcessFile(text).importedFiles.map(({ fileName }) => {
    return path.posix.join(path.posix.dirname(name), fileName).replace(/\.js$/, '.ts')
  })
}

function includesOf({ text }: SourceFile): string[] {
  const lines = text.matchAll(/^\s*#\s*include\s*"([^"]+)"/gm)
  return [...lines].map(([, name]) => `native/${name}`)
}

/** By walking along the arrows: what leads back to where the walk has come by closes a circle. */
function circlesOf(arrows: ReadonlyMap<string, readonly string[]>): string[] {
  const circles: string[] = []
  const done = new Set<string>()
  const walk = (name: string, way: readonly string[]) => {
    const since = way.indexOf(name)
    if (since >= 0) circles.push([...way.slice(since), name].join(' -> '))
    if (since >= 0 || done.has(name)) return
    for (const next of arrows.get(name) ?? []) walk(next, [...way, name])
    done.add(name)
  }
  for (const name of arrows.keys()) walk(name, [])
  return circles
}
