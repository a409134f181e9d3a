import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  type SamplingRow,
  samplersNotHere,
  samplingNames,
  samplingRows,
} from '../../src/api/sampling-options.js'
import { chatRequest, requestOptions } from '../../src/apis/openai/chat/schema.js'
import { wireName } from '../../src/apis/openai/option-names.js'
import { parseRequest } from '../../src/apis/request.js'
import { loadOptions } from '../../src/cli/load-options.js'
import { nativeRequest } from '../../src/engine/native-request.js'
import { parseChatOptions } from '../../src/options/chat-options.js'
import { runFlags } from '../../src/options/command-flags.js'
import { environmentName, settleFlags } from '../../src/options/flags.js'

// A row of src/api/sampling-options.ts is all that TypeScript knows of a sampling option: each
// layer is shown to take it from there, and documents and native code to say the same.

const textOf = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
const declarations = textOf('src/api/sampling-options.ts')
const page = textOf('docs/http-api.md')
const header = textOf('native/sampling/sampling-params.h')

const messages = [{ role: 'user', content: 'hi' }]
const parse = (more: object) => parseRequest(chatRequest, { messages, ...more })

const rows = samplingNames.map((name) => {
  const row: SamplingRow = samplingRows[name]
  const { range } = row
  const step = range.isWhole ? 1 : 0.25
  const first = 'from' in range ? range.from : range.above + step
  const below = 'from' in range ? range.from - step : range.above
  const words = 'from' in range ? `${range.from} to ${range.to}` : `above ${range.above}, at most`
  return { name, field: wireName(name), row, first, below, words }
})

describe.each(rows)('$name', ({ name, field, row, first, below, words }) => {
  const { range, neutral, flag } = row
  const ends = [first, range.to]
  const beyond = [below, range.to + 1, String(range.to), ...(range.isWhole ? [first + 0.5] : [])]

  test('passes at both ends of its range, in a program and in a request', () => {
    for (const value of [...ends, neutral]) {
      expect(parseChatOptions({ [name]: value })).toEqual({ [name]: value })
      expect(requestOptions(parse({ [field]: value }), undefined)).toEqual({ [name]: value })
    }
  })

  test('is refused beyond them by its name there, with its range', () => {
    for (const value of beyond) {
      const message = expect.stringContaining(words)
      const own = expect.objectContaining({ option: name, message })
      expect(() => parseChatOptions({ [name]: value })).toThrow(own)
      const wire = expect.objectContaining({ status: 400, field, message })
      expect(() => parse({ [field]: value })).toThrow(wire)
    }
  })

  test('goes to the native side: the request’s, the engine’s, the file’s, else the neutral', () => {
    const [own = 0, other = 0] = ends
    const sampled = (...given: object[]) => {
      const [request = {}, engine = {}, file = {}] = given
      return nativeRequest('x', request, engine, file)[name]
    }
    expect(sampled({ [name]: own }, { [name]: other }, { [name]: other })).toBe(own)
    expect(sampled({}, { [name]: own }, { [name]: other })).toBe(own)
    expect(sampled({}, {}, { [name]: own })).toBe(own)
    expect(sampled()).toBe(neutral)
  })

  test('is read there once, into a field of its own', () => {
    const read = `use("${name}", params.${field});`
    expect(header.split(read)).toHaveLength(2)
  })

  test('says its range and default in its docstring, and its range in docs/http-api.md', () => {
    const [, docstring = ''] =
      new RegExp(`/\\*\\* ([^/]*) \\*/\\n  ${name}\\?: number`).exec(declarations) ?? []
    expect(docstring.toLowerCase()).toContain(`default ${neutral}.`)
    const [, note = ''] =
      new RegExp(`^\\| \`${field}\` \\| \\w+ \\| (.*) \\|$`, 'm').exec(page) ?? []
    expect(note).not.toBe('')
    if (range.to === 2 ** 31 - 1) return // open towards the top, in words
    expect(docstring.toLowerCase()).toContain(words)
    expect(note).toContain(words)
  })

  test('has a flag and a variable where its row has one, which set the engine’s default', () => {
    expect(Object.hasOwn(runFlags, name)).toBe(flag !== undefined)
    if (flag === undefined) return
    const settled = settleFlags(runFlags, {}, { [environmentName(name)]: `${range.to}` })
    expect(loadOptions(settled, undefined).sampling).toEqual({ [name]: range.to })
  })
})

test('the native side reads no number that has no row', () => {
  const read = [...header.matchAll(/use\("(\w+)", params/g)].map(([, name]) => name)
  expect(read.sort()).toEqual([...samplingNames].sort())
})

test('a sampler that is here is not among those that are not', () => {
  const fields = Object.keys(chatRequest.shape)
  expect(Object.keys(samplersNotHere).filter((name) => fields.includes(name))).toEqual([])
  expect(fields).toEqual(expect.arrayContaining(rows.map(({ field }) => field)))
})
