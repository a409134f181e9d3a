import { z } from 'zod'
import { tokenIdError, wrongTokenId } from '../token-ids.js'

/** One prompt: text, or token ids as they are. */
export type Prompt = string | Int32Array

/** Prompts of one request; each takes a place of its own. */
export const promptsMax = 2048

const expected = {
  prompt: 'a string, token ids, or an array of strings or of arrays of token ids',
  text: 'a string, as the first prompt is one',
  tokens: 'an array of at least one token id, as the first prompt is one',
  count: `at most ${promptsMax} prompts`,
}

/** What is wrong, and where below the field. */
class Wrong {
  readonly error: string
  readonly path: PropertyKey[]

  constructor(error: string, ...path: PropertyKey[]) {
    this.error = error
    this.path = path
  }
}

/** Each of the four forms, as an array of prompts. */
export const prompts = z.unknown().transform((value, context): Prompt[] => {
  const read = readPrompts(value)
  if (!(read instanceof Wrong)) return read
  context.issues.push({ code: 'custom', message: read.error, path: read.path, input: value })
  return z.NEVER
})

function readPrompts(value: unknown): Prompt[] | Wrong {
  if (typeof value === 'string') return [value]
  if (!Array.isArray(value) || value.length === 0) return new Wrong(expected.prompt)
  if (typeof value[0] === 'number') {
    const one = readTokens(value, [])
    return one instanceof Wrong ? one : [one]
  }
  if (value.length > promptsMax) return new Wrong(expected.count)
  if (typeof value[0] === 'string') return readTexts(value)
  return Array.isArray(value[0]) ? readTokenLists(value) : new Wrong(expected.prompt, 0)
}

function readTexts(values: readonly unknown[]): string[] | Wrong {
  const wrong = values.findIndex((value) => typeof value !== 'string')
  return wrong < 0 ? (values as string[]) : new Wrong(expected.text, wrong)
}

function readTokenLists(values: readonly unknown[]): Int32Array[] | Wrong {
  const lists: Int32Array[] = []
  for (const [i, value] of values.entries()) {
    if (!Array.isArray(value) || value.length === 0) return new Wrong(expected.tokens, i)
    const list = readTokens(value, [i])
    if (list instanceof Wrong) return list
    lists.push(list)
  }
  return lists
}

function readTokens(values: readonly unknown[], path: PropertyKey[]): Int32Array | Wrong {
  const wrong = wrongTokenId(values)
  return wrong < 0 ? Int32Array.from(values as number[]) : new Wrong(tokenIdError, ...path, wrong)
}

/** Where a request's prompt stands in it: `prompt`, or `prompt[2]` among several. */
export function promptPath(all: readonly Prompt[], index: number): string {
  return all.length === 1 ? 'prompt' : `prompt[${index}]`
}
