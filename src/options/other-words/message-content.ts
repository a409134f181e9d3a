/** What the `content` of a message says, in any of the forms that clients give it. */

interface Said {
  readonly text: string
  /** Of parts that are reasoning. */
  readonly reasoning: string
}

/** What is wrong, and where below the content. */
interface ContentIssue {
  readonly expected: string
  readonly path: (string | number)[]
}

const partsMax = 1024
const contentError = 'a string, or an array of text parts'
const partError = '"text" (only text parts are supported yet)'

/** The fields that may hold the text of a part. */
const textFields: Readonly<Record<string, readonly string[]>> = {
  text: ['text'],
  input_text: ['text'],
  output_text: ['text'],
  refusal: ['refusal'],
}
const reasoningFields: Readonly<Record<string, readonly string[]>> = {
  thinking: ['thinking', 'text'],
  reasoning: ['reasoning', 'text'],
  reasoning_text: ['text'],
}

/**
 * Parts are joined by line breaks, as llama.cpp joins them for templates that know only text. Not
 * by a zod schema of a part: tens of thousands of them fit into a body.
 */
export function readContent(content: unknown, role: string): Said | ContentIssue {
  if (typeof content === 'string') return { text: content, reasoning: '' }
  if (Array.isArray(content)) {
    // What a tool answers may be an array of its own, and no parts.
    const isOwn = isTool(role) && !content.some(isPart)
    return isOwn
      ? { text: content.length === 0 ? '' : JSON.stringify(content), reasoning: '' }
      : readParts(content, role)
  }
  if (content === undefined || content === null) {
    const mayBeSilent = role === 'assistant' || isTool(role)
    return mayBeSilent ? { text: '', reasoning: '' } : { expected: contentError, path: [] }
  }
  if (typeof content === 'object' && 'type' in content) {
    const said = readParts([content], role)
    if (!('expected' in said) || !isTool(role)) return said
  }
  // What a tool answers is often handed on as it came.
  if (isTool(role)) return { text: JSON.stringify(content), reasoning: '' }
  return { expected: contentError, path: [] }
}

/** What stands in the place of a piece of a tool's answer that is no text. */
export function leftOutText(kind: string): string {
  return `[left out, as only text can be read here: ${kind}]`
}

function isPart(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'type')
}

export function isTool(role: string): boolean {
  return role === 'tool' || role === 'function'
}

function readParts(parts: readonly unknown[], role: string): Said | ContentIssue {
  if (parts.length > partsMax) return { expected: `at most ${partsMax} text parts`, path: [] }
  const texts: string[] = []
  const reasonings: string[] = []
  for (const [i, part] of parts.entries()) {
    const read = readPart(part, role)
    if ('expected' in read) return { expected: read.expected, path: [i, ...read.path] }
    if (read.text !== undefined) texts.push(read.text)
    if (read.reasoning !== undefined) reasonings.push(read.reasoning)
  }
  return { text: texts.join('\n'), reasoning: reasonings.join('\n') }
}

function readPart(
  part: unknown,
  role: string,
): { text?: string; reasoning?: string } | ContentIssue {
  if (typeof part !== 'object' || part === null) return { expected: partError, path: [] }
  const { type } = part as { type?: unknown }
  const kind = typeof type === 'string' ? type : ''
  const textField = Object.hasOwn(textFields, kind) ? textFields[kind] : undefined
  if (textField !== undefined) {
    const text = textIn(part, textField)
    return text === undefined ? { expected: 'a string', path: [textField[0] ?? ''] } : { text }
  }
  if (role === 'assistant') {
    // Its text is encrypted.
    if (kind === 'redacted_thinking') return {}
    const field = Object.hasOwn(reasoningFields, kind) ? reasoningFields[kind] : undefined
    if (field !== undefined) {
      const reasoning = textIn(part, field)
      return reasoning === undefined
        ? { expected: 'a string', path: [field[0] ?? ''] }
        : { reasoning }
    }
  }
  return { expected: expectedOf(kind), path: ['type'] }
}

/** Mistral's reasoning is an array of text parts itself. */
function textIn(part: object, fields: readonly string[]): string | undefined {
  for (const field of fields) {
    const value = (part as Record<string, unknown>)[field]
    if (typeof value === 'string') return value
    if (!Array.isArray(value)) continue
    const texts = value.map((one) => (one as { text?: unknown } | null)?.text)
    if (texts.every((text) => typeof text === 'string')) return texts.join('\n')
  }
  return undefined
}

function expectedOf(kind: string): string {
  if (/image/.test(kind)) return '"text" (images are not read yet; leave them out)'
  if (/audio|video|file/.test(kind)) {
    return '"text" (audio, video and files are not read yet; leave them out)'
  }
  return partError
}
