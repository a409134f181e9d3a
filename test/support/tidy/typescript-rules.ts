import path from 'node:path'
import ts from 'typescript'
import { functionLengthMax } from './cpp-rules.js'
import { complaint, isScript, type Rule, type SourceFile } from './files.js'

/** Which folders of src each folder may import, besides itself; no circles. */
const mayImport: Record<string, string[]> = {
  api: [],
  schema: ['api'],
  options: ['api', 'schema'],
  binding: ['api'],
  hub: ['api', 'options'],
  isolation: ['api', 'binding'],
  workers: ['api', 'options', 'binding', 'isolation'],
  engine: ['api', 'schema', 'options', 'binding', 'isolation', 'workers', 'hub'],
  tools: ['api', 'schema', 'options', 'engine'],
  web: ['api', 'options', 'engine'],
  pool: ['api', 'options', 'binding', 'engine'],
  'ai-sdk': ['api', 'options', 'engine', 'web'],
  langchain: ['api', 'options', 'engine', 'web'],
  host: ['api', 'options', 'binding', 'engine', 'pool', 'web'],
  apis: ['api', 'schema', 'options', 'engine', 'web', 'host'],
  http: ['api', 'schema', 'options', 'engine', 'pool', 'web', 'host', 'apis', 'binding'],
  cli: ['api', 'schema', 'options', 'hub', 'engine', 'pool', 'host', 'http', 'binding', 'workers'],
  page: ['api'],
  '': ['api', 'engine', 'pool', 'binding', 'tools'],
}

/** The same for the folders of a folder, by their paths in src; its own files may import all. */
const mayImportWithin: Record<string, string[]> = {
  'schema/reading': [],
  'schema/writing': ['schema/reading'],
  'schema/strings': ['schema/reading', 'schema/writing'],
}

/** The folders of src that a foreign module may be imported in. */
const homes: [RegExp, string[]][] = [
  [/^(node:)?(http|https|http2)$/, ['http/node']],
  [/^zod($|\/)/, ['apis', 'cli/config']],
  [/^(commander|pino|yoctocolors)$/, ['cli']],
  [/^prom-client$/, ['http']],
  [/^(ai|@ai-sdk\/.*)$/, ['ai-sdk']],
  [/^@langchain\//, ['langchain']],
  [/^marked$/, ['page']],
]

/** Folders that only some files may import: what stands on an adapter stands on its runtime. */
const importedBy: [RegExp, RegExp][] = [
  [/^src\/http\/node\//, /^src\/(http\/(node\/|index\.ts$)|(?!http\/))/],
]

/** Protocols whose folders another protocol may import. What all share knows none of them. */
const protocolsOf: Record<string, string[]> = {
  'llama-server': ['openai'], // its own endpoints have OpenAI's messages, tools and errors
  'lm-studio': ['openai'], // it only finds models; what is asked of them is OpenAI's
  ollama: ['openai'], // its samplers, tools and forms are read as OpenAI's door reads them
}

/** As `mayImport` says; and a foreign module has one home. */
export const typescriptImports: Rule = (file) => {
  const folder = /^src\/(?:([\w-]+)\/)?/.exec(file.path)
  if (!folder || !isScript(file)) return []
  const home = folder[1] ?? ''
  return ts.preProcessFile(file.text).importedFiles.flatMap(({ fileName, pos }) => {
    const wrong = fileName.startsWith('.')
      ? whyNotOurs(file, home, fileName)
      : whyNotForeign(file, fileName)
    return wrong ? [complaint(file, lineAt(file, pos), wrong)] : []
  })
}

function whyNotOurs(file: SourceFile, home: string, name: string): string | undefined {
  const target = path.posix.join(path.posix.dirname(file.path), name)
  const folder = /^src\/(?:([\w-]+)\/)?/.exec(target)
  if (!folder) return `src may not import "${target}", which is not shipped`
  const other = folder[1] ?? ''
  const closed = importedBy.some(([to, from]) => to.test(target) && !from.test(file.path))
  if (closed) return `only an adapter may import "${target}"`
  if (other !== home) {
    return mayImport[home]?.includes(other) ? undefined : `src/${home} may not import src/${other}`
  }
  if (home === 'apis') return whyNotProtocol(protocolOf(file.path), protocolOf(target))
  return whyNotWithin(file.path, target)
}

function whyNotWithin(from: string, to: string): string | undefined {
  const [home, other] = [from, to].map((name) =>
    path.posix.relative('src', path.posix.dirname(name)),
  )
  const allowed = mayImportWithin[home ?? '']
  if (!allowed || other === home || allowed.includes(other ?? '')) return undefined
  return `src/${home} may not import src/${other}`
}

function whyNotProtocol(own: string, other: string): string | undefined {
  if (other === '' || other === own || protocolsOf[own]?.includes(other)) return undefined
  return `src/apis/${own} may not import src/apis/${other}, which is a protocol of its own`
}

const protocolOf = (file: string) => /^src\/apis\/([\w-]+)\//.exec(file)?.[1] ?? ''

function whyNotForeign(file: SourceFile, name: string): string | undefined {
  const allowed = homes.find(([pattern]) => pattern.test(name))?.[1]
  if (!allowed || allowed.some((home) => file.path.startsWith(`src/${home}/`))) return undefined
  return `"${name}" belongs in ${allowed.map((folder) => `src/${folder}`).join(', ')}`
}

export const typescriptFunctionLength: Rule = (file) =>
  nodesOf(file).flatMap((node) => {
    if (!ts.isFunctionLike(node) || isGroupOfTests(node)) return []
    const lines = lineAt(file, node.getEnd()) - lineAt(file, node.getStart()) + 1
    if (lines <= functionLengthMax) return []
    const what = `a function of ${lines} lines, at most ${functionLengthMax}`
    return [complaint(file, lineAt(file, node.getStart()), what)]
  })

/** `describe` only groups; its tests are the functions. */
function isGroupOfTests({ parent }: ts.Node): boolean {
  return ts.isCallExpression(parent) && parent.expression.getText().startsWith('describe')
}

export const typescriptCatches: Rule = (file) =>
  nodesOf(file)
    .filter((node) => ts.isCatchClause(node) && node.block.statements.length === 0)
    .map((node) => complaint(file, lineAt(file, node.getStart()), 'an empty catch'))

export function nodesOf(file: SourceFile): ts.Node[] {
  if (!isScript(file)) return []
  const nodes: ts.Node[] = []
  const visit = (node: ts.Node) => {
    nodes.push(node)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true))
  return nodes
}

export const lineAt = (file: SourceFile, position: number) =>
  file.text.slice(0, position).split('\n').length
