/** The chat templates of published models that stand in llama.cpp's tree. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const folder = path.join(
  process.env.LLAMA_CPP_DIR ?? path.resolve(import.meta.dirname, '../../../deps/llama.cpp'),
  'models/templates',
)

export const templateNames: readonly string[] = readdirSync(folder).filter((name) =>
  name.endsWith('.jinja'),
)

export function templateText(name: string): string {
  return readFileSync(path.join(folder, name), 'utf8')
}

/** What has the form of a mark in it, or becomes one with the name of a role. */
const forms = [
  /<\|[^|<>\s]{1,60}\|>/g,
  /<\|[a-z_]{2,40}>/g,
  /<[a-z_]{2,40}\|>/g,
  /<｜[^｜<>\s]{1,60}｜>/g,
  /<\/?[A-Za-z_][\w:-]{0,40}>/g,
  /\[\/?[A-Z][A-Z_]{1,40}\]/g,
  /\]<\]minimax\[>\[/g,
  /｜DSML｜/g,
]
const roles = ['system', 'developer', 'user', 'assistant', 'tool', 'model', 'observation']

/** Not one mark: `<` and the name of a schema's keyword, which is what a tool says. */
const ofTwoParts = /^<\/?(type|properties|required|items|enum|description)>$/

/** Texts that may be control tokens of the models that these templates are of, each once. */
export function marksOf(texts: readonly string[]): string[] {
  const marks = new Set(roles.map((role) => `<|${role}|>`))
  for (const text of texts) {
    for (const form of forms) for (const [mark] of text.matchAll(form)) marks.add(mark)
  }
  return [...marks].filter((mark) => !ofTwoParts.test(mark)).sort()
}
