import path from 'node:path'
import { complaint, isCpp, type Rule } from './files.js'

export const functionLengthMax = 70

const parts = ['base', 'disk', 'gguf', 'grammar', 'memory', 'sampling']
const llama = [...parts, 'llama', 'llama/lora', 'llama/runtime', 'llama/tokens']
const chat = [...llama, 'llama/chat']
const batch = [...chat, 'engine/policy', 'engine/request', 'engine/batch']
const engine = [...batch, 'llama/template', 'engine', 'engine/embed', 'engine/prepare']

/** Which of our folders each folder may include; no circles. Each may include itself. */
const mayInclude: Record<string, string[]> = {
  base: [],
  disk: ['base', 'memory'],
  gguf: ['base'],
  grammar: ['base'],
  memory: ['base'],
  sampling: ['base'],
  'llama/runtime/shared': [],
  'llama/runtime': [...parts, 'llama/runtime/shared'],
  'llama/tokens': parts,
  'llama/lora': [...parts, 'llama/runtime'],
  llama: [...parts, 'llama/lora', 'llama/runtime', 'llama/tokens'],
  'llama/chat': llama,
  'llama/template': chat,
  'llama/test': [...chat, 'llama/template', 'llama/runtime/shared', 'test'],
  'llama/test/failing': engine,
  'llama/test/fuzz': [...engine, 'llama/test'],
  'engine/policy': parts,
  'engine/request': chat,
  'engine/batch': batch,
  'engine/embed': batch,
  'engine/prepare': [...batch, 'llama/template', 'engine/embed'],
  engine,
  addon: engine,
  test: engine,
}

const nodeHeader = /^(napi|napi-inl|node_api|js_native_api|node|uv|v8)\.h$/

/** As `mayInclude` says; Node's headers live in native/addon, llama.cpp's in native/llama. */
export const cppImports: Rule = (file) => {
  if (!isCpp(file) || !file.path.startsWith('native/')) return []
  const home = homeOf(file.path.slice('native/'.length))
  return file.text.split('\n').flatMap((line, i) => {
    const [, bracket, name] = /^\s*#\s*include\s*([<"])([^>"]+)[>"]/.exec(line) ?? []
    const wrong = name && whyNot(home, name, bracket === '<')
    return wrong ? [complaint(file, i + 1, wrong)] : []
  })
}

/** The folder of the table that a file is in: the deepest. */
function homeOf(file: string): string {
  let folder = path.posix.dirname(file)
  while (folder !== '.' && !(folder in mayInclude)) folder = path.posix.dirname(folder)
  return folder
}

function whyNot(home: string, header: string, inBrackets: boolean): string | undefined {
  const folder = homeOf(header)
  if (!inBrackets && folder !== '.') {
    const may = folder === home || mayInclude[home]?.includes(folder)
    return may ? undefined : `native/${home} may not include "${header}"`
  }
  if (nodeHeader.test(header)) {
    return home === 'addon' ? undefined : `<${header}> belongs in native/addon`
  }
  // In brackets is also the standard library; in quotes only ours and llama.cpp's.
  const isLlama = !inBrackets || /^(llama|ggml|gguf|nlohmann|jinja)\b/.test(header)
  return isLlama && !home.startsWith('llama') ? `"${header}" belongs in native/llama` : undefined
}

export const cppFunctionLength: Rule = (file) => {
  if (!isCpp(file)) return []
  return functionBodies(file.text)
    .filter(({ first, last }) => last - first + 1 > functionLengthMax)
    .map(({ first, last }) =>
      complaint(
        file,
        first,
        `a function of ${last - first + 1} lines, at most ${functionLengthMax}`,
      ),
    )
}

export const cppCatches: Rule = (file) => {
  if (!isCpp(file)) return []
  const code = withoutText(file.text)
  return [...code.matchAll(/\bcatch\s*\([^)]*\)\s*\{\s*\}/g)].map(({ index }) =>
    complaint(file, code.slice(0, index).split('\n').length, 'an empty catch'),
  )
}

interface Block {
  head: string
  first: number
  hasStatement: boolean
}

/** The lines of each function body. A heuristic: a block whose head ends as a signature does. */
function functionBodies(text: string): { first: number; last: number }[] {
  const bodies: { first: number; last: number }[] = []
  const open: Block[] = []
  let head = ''
  let line = 1
  for (const char of withoutText(text)) {
    if (char === '\n') line++
    if (char === '{') {
      open.push({ head, first: line, hasStatement: false })
      head = ''
    } else if (char === '}') {
      const block = open.pop()
      if (!block) continue
      if (isFunctionHead(block.head)) bodies.push({ first: block.first, last: line })
      // Braces without a statement may be an initializer, and the head goes on after them.
      head = block.hasStatement ? '' : `${block.head}{}`
      const outer = open.at(-1)
      if (outer && block.hasStatement) outer.hasStatement = true
    } else if (char === ';') {
      const block = open.at(-1)
      if (block) block.hasStatement = true
      head = ''
    } else {
      head += char
    }
  }
  return bodies
}

function isFunctionHead(head: string): boolean {
  const qualifiers = /(\s|\b(const|noexcept|override|final|mutable)\b|&|->[\w:<>,\s*&]+)+$/
  const signature = head.trim().replace(qualifiers, '').trim()
  if (/\)\s*:\s*[^:][^;]*\{\}$/.test(signature)) return true // a constructor's last `member{}`
  if (!signature.endsWith(')')) return false
  let depth = 0
  let i = signature.length - 1
  for (; i >= 0; i--) {
    if (signature[i] === ')') depth++
    if (signature[i] === '(' && --depth === 0) break
  }
  const before = signature.slice(0, i).trim()
  return !/\b(if|for|while|switch|catch|constexpr)$/.test(before)
}

/** The same text with comments, strings and preprocessor lines blanked, line by line. */
function withoutText(text: string): string {
  const blank = (found: string) => found.replace(/[^\n]/g, ' ')
  return text
    .replace(/R"(\w*)\(.*?\)\1"|\/\*.*?\*\/|\/\/[^\n]*|"(\\.|[^"\\\n])*"/gs, blank)
    .replace(/(?<!\w)'(\\.|[^'\\\n])+'/g, blank) // not the separators of 10'000
    .replace(/^[ \t]*#(.*\\\n)*.*/gm, blank)
}
