import ts from 'typescript'
import { complaint, isCpp, type Rule, type SourceFile } from './files.js'
import { lineAt, nodesOf } from './typescript-rules.js'

/** What goes on from another title, or is a number in a list. */
const elliptical = [
  /^(so|nor|and|or|but|also|then|else|it|they|he|she)\b/,
  /^[\d, ]+: /,
  /\b(so|nor) (is|are|was|does|do|has)\b/,
]

/** `vitest -t` shows a title alone, so that it has to say what it is about. */
export const testTitles: Rule = (file) =>
  titlesIn(file)
    .filter(({ title }) => elliptical.some((pattern) => pattern.test(title)))
    .map(({ line, title }) => complaint(file, line, `"${title}" does not say its subject`))

function titlesIn(file: SourceFile): { line: number; title: string }[] {
  const at = (position: number) => lineAt(file, position)
  if (isCpp(file)) {
    const titles = file.text.matchAll(/\bTEST\(\s*"((?:\\.|[^"\\])*)"/g)
    return [...titles].map(({ index, 1: text = '' }) => {
      return { line: at(index), title: text.replace(/^[a-z' ]+: /, '') } // without its subject
    })
  }
  if (!file.path.startsWith('test/')) return []
  return nodesOf(file).flatMap((node) => {
    if (!ts.isCallExpression(node) || !/^(describe|test)\b/.test(node.expression.getText()))
      return []
    const [title] = node.arguments
    if (!title || !(ts.isStringLiteralLike(title) || ts.isTemplateExpression(title))) return []
    return [{ line: at(title.getStart()), title: title.getText().slice(1, -1) }]
  })
}
