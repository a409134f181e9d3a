import fs from 'node:fs'
import path from 'node:path'

export interface SourceFile {
  /** From the checkout's root, with forward slashes. */
  path: string
  text: string
}

/** What a rule found, as `path:line: what is wrong`. */
export type Rule = (file: SourceFile) => string[]

export const complaint = (file: SourceFile, line: number, what: string) =>
  `${file.path}:${line}: ${what}`

const folders = ['native', 'src', 'test', 'scripts', 'bench', '.ci']
const isBinary = /\.(gguf|node|png|ico|tgz|log)$/

/** Every text file of ours: the folders of code, and what lies in the root. */
export function sourceFiles(root: string): SourceFile[] {
  const inFolders = folders.flatMap((folder) =>
    fs
      .readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name)),
  )
  const inRoot = fs
    .readdirSync(root, { withFileTypes: true })
    // In a worktree of git's, .git is a file.
    .filter((entry) => entry.isFile() && entry.name !== '.git')
    .map((entry) => path.join(root, entry.name))
  return [...inFolders, ...inRoot]
    .filter((name) => !isBinary.test(name))
    .map((name) => ({
      path: path.relative(root, name).replaceAll(path.sep, '/'),
      text: fs.readFileSync(name, 'utf8'),
    }))
}

export const isCpp = (file: SourceFile) => /^native\/.*\.(h|cpp)$/.test(file.path)
export const isScript = (file: SourceFile) => /\.(ts|mjs)$/.test(file.path)
