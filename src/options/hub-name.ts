/** A model in a repository of the Hugging Face Hub: see parseHubName. */
export interface HubName {
  /** `owner/repo` */
  readonly repo: string
  /** A branch, a tag or a commit. */
  readonly revision: string
  /** Whether the name says it; else it is `main`. */
  readonly hasRevision: boolean
  /** As it was written: `q4_k_m`. */
  readonly quant?: string
  /** Path in the repository. */
  readonly file?: string
}

export const hubNameForm = 'hf:OWNER/REPO:QUANT or hf:OWNER/REPO/FILE.gguf'

const scheme = 'hf:'
const part = '[A-Za-z0-9][\\w.-]{0,95}'
const form = new RegExp(
  `^(${part}/${part})(?:@([\\w.-]{1,100}))?(?::([\\w.-]{1,64})|/(.{1,400}\\.gguf))?$`,
  'i',
)

export function isHubName(text: string): boolean {
  return text.startsWith(scheme)
}

/** `hf:OWNER/REPO`, then `@REVISION` or nothing, then `:QUANT`, `/FILE.gguf` or nothing. */
export function parseHubName(text: string): HubName | undefined {
  const match = isHubName(text) ? form.exec(text.slice(scheme.length)) : null
  if (match === null) return undefined
  const [, repo = '', revision, quant, file] = match
  if (repo.includes('..') || revision?.includes('..')) return undefined
  if (file !== undefined && !isPathWithin(file)) return undefined
  return {
    repo,
    revision: revision ?? 'main',
    hasRevision: revision !== undefined,
    ...(quant === undefined ? {} : { quant }),
    ...(file === undefined ? {} : { file }),
  }
}

/** Whether a path stays in the folder that it is joined to, on every system. */
export function isPathWithin(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\\:\0-\x1f]/.test(path)) return false
  return path.split('/').every((name) => name !== '' && name !== '.' && name !== '..')
}

/** The whole name again, with this quant or file. */
export function hubNameOf({ repo, revision, hasRevision }: HubName, what: string): string {
  const at = hasRevision ? `@${revision}` : ''
  return `${scheme}${repo}${at}${what.includes('.gguf') ? '/' : ':'}${what}`
}
