import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'

/** Where a shell finds a key of the server's, which is never shown itself. */
export interface ShellKey {
  /** Within double quotes, for example `$SLUICE_API_KEY`. */
  readonly words: string
  /** What the shell must have for it to work; undefined for nothing. */
  readonly needs: string | undefined
}

/**
 * A key's place: its line in the file, which any shell of this machine can read, else the variable.
 * @param file as --api-key-file was given
 * @param hasVariable whether SLUICE_API_KEY is set here
 */
export function shellKeyOf(file: string | undefined, hasVariable: boolean): ShellKey | undefined {
  const inFile = file === undefined ? undefined : placeInFile(file)
  if (inFile !== undefined) return { words: inFile, needs: undefined }
  if (file === undefined && !hasVariable) return undefined
  const needs = hasVariable ? 'the same SLUICE_API_KEY' : 'one of the keys in SLUICE_API_KEY'
  return { words: '$SLUICE_API_KEY', needs }
}

/** Undefined for what is read once, such as a pipe, and for what is gone since it was read. */
function placeInFile(file: string): string | undefined {
  const text = textOf(file)
  if (text === undefined) return undefined
  const lines = text.split('\n')
  const index = lines.findIndex((line) => !['', '#'].includes(line.trim().charAt(0)))
  const line = lines[index]
  if (line === undefined) return undefined
  // Limits may stand behind the key.
  if (/\S\s+\S/.test(line)) return `$(awk 'NR==${index + 1}{print $1}' ${quoted(resolve(file))})`
  const trim = line === line.trim() ? '' : " | tr -d '[:space:]'"
  return `$(sed -n ${index + 1}p ${quoted(resolve(file))}${trim})`
}

function textOf(file: string): string | undefined {
  try {
    return statSync(file).isFile() ? readFileSync(file, 'utf8') : undefined
  } catch {
    return undefined
  }
}

function quoted(text: string): string {
  return /^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
