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
/** What tools and tests wrote into test/hosts. */
const isForeign = (file: string) =>
  /[\\/](node_modules|\.next|out-[\w-]+|api[\\/](ai|chat|llm))[\\/]/.test(file)
const isBinary = /\.(gguf|node|png|ico|tgz|log)$/

/** Every text file of ours: the folders of code, and what lies in the root. */
export function sourceFiles(root: string): SourceFile[] {
  const inFolders = folders.flatMap((folder) =>
    fs
      .readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .filter((file) => !isForeign(file)),
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

/** A folder is read at a glance: eleven headers and their sources are the most. */
export const filesMax = 22

/** Folders with more files than that, and how many they have; the root's are named by tools. */
export function crowdedFolders(files: SourceFile[]): string[] {
  const counts = new Map<string, number>()
  for (const file of files) {
    const folder = path.posix.dirname(file.path)
    counts.set(folder, (counts.get(folder) ?? 0) + 1)
  }
  return [...counts]
    .filter(([folder, count]) => folder !== '.' && count > filesMax)
    .map(([folder, count]) => `${folder}: ${count} files, at most ${filesMax}`)
}

export const isCpp = (file: SourceFile) => /^native\/.*\.(h|cpp)$/.test(file.path)
export const isScript = (file: SourceFile) => /\.(ts|mjs)$/.test(file.path)
