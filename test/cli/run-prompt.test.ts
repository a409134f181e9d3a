import { describe, expect, test } from 'vitest'
import { whatCut } from '../../src/cli/run/ending.js'
import { promptOf } from '../../src/cli/run/prompt.js'
import { textOf } from '../../src/cli/run/text-input.js'

const nothing = { files: [], piped: '', prompt: '' }

describe('what `sluice run` says to the model', () => {
  test('is the prompt as it stands where there is nothing else', () => {
    expect(promptOf({ ...nothing, prompt: ' Tell me\n' })).toBe(' Tell me\n')
    expect(promptOf({ ...nothing, piped: 'Tell me\n' })).toBe('Tell me\n')
  })

  test('has what was piped first, an empty line, and the prompt last', () => {
    expect(promptOf({ ...nothing, piped: 'a\nb\r\n\n', prompt: 'Sum up' })).toBe('a\nb\n\nSum up')
    expect(promptOf({ ...nothing, piped: ' \n', prompt: 'Sum up' })).toBe('Sum up')
  })

  test('has each file by its name, before the rest', () => {
    const files = [
      { name: 'a/b.txt', text: 'one\ntwo\n' },
      { name: 'c.md', text: '' },
    ]
    expect(promptOf({ files, piped: 'piped\n', prompt: 'Compare' })).toBe(
      'a/b.txt:\n```\none\ntwo\n```\n\nc.md:\n```\n\n```\n\npiped\n\nCompare',
    )
  })

  test('keeps a file that has fences within longer ones', () => {
    const files = [{ name: 'a.md', text: 'x\n````js\ny\n````\n```\n' }]
    expect(promptOf({ ...nothing, files, prompt: '?' })).toMatch(
      /^a\.md:\n`{5}\nx\n`{4}js\ny\n`{4}\n`{3}\n`{5}\n\n\?$/,
    )
    const many = [{ name: 'a.md', text: '```\n'.repeat(200_000) }]
    expect(promptOf({ ...nothing, files: many, prompt: '?' })).toMatch(/^a\.md:\n````\n```\n/)
  })
})

describe('text', () => {
  const wide = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')

  test.each([
    ['UTF-8', Buffer.from('日本語 🦊')],
    ['UTF-8 with its mark', Buffer.from('\ufeff日本語 🦊')],
    ['UTF-16 as PowerShell writes it', wide('日本語 🦊')],
    ['UTF-16, the other way round', wide('日本語 🦊').swap16()],
  ])('may be %s', (_, bytes) => expect(textOf(bytes)).toBe('日本語 🦊'))

  test('may be cut within its last character, which shows', () => {
    expect(textOf(Buffer.from('a 🦊').subarray(0, -1))).toBe('a \ufffd')
  })

  test.each([
    ['a zero byte', Buffer.from('a\0b')],
    ['Latin-1', Buffer.from('Grüße', 'latin1')],
    ['a PNG', Buffer.from('89504e470d0a1a0a', 'hex')],
  ])('is not what has %s', (_, bytes) => expect(textOf(bytes)).toBeUndefined())
})

describe('what cut a reply', () => {
  const model = { trainedContext: 4096 }
  const usage = { promptTokens: 412, completionTokens: 100, cachedTokens: 0 }

  test('is nothing where the model ended it', () => {
    const limits = { context: 512, maxTokens: 100, model }
    expect(whatCut({ usage }, limits)).toBeUndefined()
  })

  test('is --max-tokens where the reply came up against it', () => {
    const limits = { context: 512, maxTokens: 100, model }
    expect(whatCut({ limit: 'maxTokens', usage }, limits)).toBe(
      'the reply was cut at 100 tokens; a larger --max-tokens gives more',
    )
  })

  test.each([
    [{ maxTokens: 100 }, '--context gives more, up to 4096'],
    [{ maxTokens: undefined }, '--context gives more, up to 4096'],
    [{ model: { trainedContext: 512 } }, 'a shorter prompt'],
  ])('is a full context, with what to do: %j', (more, words) => {
    const limits = { context: 512, maxTokens: 100, model, ...more }
    const said = whatCut({ limit: 'context', usage }, limits)
    expect(said).toContain('the context of 512 tokens was full (prompt 412, reply 100)')
    expect(said).toContain(words)
  })
})
