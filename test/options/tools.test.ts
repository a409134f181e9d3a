import { describe, expect, test } from 'vitest'
import { toolLimitDefaults } from '../../src/options/engine-options.js'
import { ToolNames } from '../../src/options/tools/tool-names.js'
import { parseTools, prepareTools } from '../../src/options/tools/tools.js'
import { mcpTools } from '../support/chats/mcp-tools.js'

const broken = { type: 'object', properties: { a: { type: 'int' } }, required: null }

describe('one bad tool of many', () => {
  const tools = [{ name: 'a' }, { name: 'b', parameters: broken }, { name: 'c' }]

  test('is read as far as it can be, and told of', () => {
    const { tools: read, notes } = parseTools(tools, 'json')
    expect(read.map(({ name }) => name)).toEqual(['a', 'b', 'c'])
    expect(JSON.parse(read[1]?.parameters ?? '')).toEqual({
      type: 'object',
      properties: { a: { type: 'integer' } },
    })
    expect(notes.map(({ path }) => path)).toEqual([
      'tools[1].parameters.properties.a.type',
      'tools[1].parameters.required',
    ])
  })

  test('is told of each time, though it is known', () => {
    const twice = [parseTools(tools, 'json'), parseTools(tools, 'json')]
    expect(twice[1]?.notes).toEqual(twice[0]?.notes)
  })

  test('is refused where it is strict', () => {
    const strict = [{ name: 'b', parameters: broken, strict: true }]
    for (const format of ['json', 'tagged', 'gemma', undefined] as const) {
      expect(() => parseTools(strict, format)).toThrow(
        expect.objectContaining({ path: expect.stringMatching(/^tools\[0\]\.parameters\./) }),
      )
    }
  })

  test('is the second of two with one name, whether they differ or not: the first counts', () => {
    const more = [{ name: 'a' }, { name: 'a' }, { name: 'a', description: 'other' }]
    const { tools: read, notes } = parseTools(more, 'json')
    expect(read).toHaveLength(1)
    expect(notes.map(({ path }) => path)).toEqual(['tools[1].name', 'tools[2].name'])
  })
})

describe('names', () => {
  test('are told as they are where their characters can be, and by another name where not', () => {
    const sent = [
      'get_weather',
      'fs/read.file:v2',
      'read file',
      'read_file',
      'Über',
      '\u0301',
      'x'.repeat(300),
    ]
    const names = new ToolNames(sent)
    const shown = sent.map((name) => names.shown(name))
    expect(shown.slice(0, 2)).toEqual(sent.slice(0, 2))
    expect(shown.slice(2, 6)).toEqual(['read_file_2', 'read_file', 'Uber', '_'])
    expect(new Set(shown).size).toBe(sent.length)
    for (const name of shown) expect(name).toMatch(/^[\w./:@+-]{1,128}$/)
    expect(shown.map((name) => names.sent(name))).toEqual(sent)
  })
})

describe('the limits of tools', () => {
  const limits = (more: object) => ({ ...toolLimitDefaults, ...more })

  test('are by number and by bytes, and an error names the setting', () => {
    const tools = mcpTools(20, 20 * 1024)
    expect(() => parseTools(tools, 'json', limits({ toolsMax: 19 }))).toThrow('toolsMax')
    expect(() => parseTools(tools, 'json', limits({ toolBytesMax: 16_384 }))).toThrow(
      'toolBytesMax',
    )
    expect(parseTools(tools, 'json', limits({ toolsMax: 20 })).notes).toEqual([])
  })

  test('are by work: what is beyond it is any value, which is told', () => {
    const tools = mcpTools(21, 30 * 1024)
    const { tools: read, notes } = parseTools(tools, 'json', limits({ toolWorkMax: 2 }))
    expect(read).toHaveLength(21)
    expect(notes).toHaveLength(1)
    expect(notes[0]?.message).toContain('toolWorkMax')
  })

  test('take a megabyte of tools, all of them kept to their schemas', () => {
    const { tools, notes } = parseTools(mcpTools(1000, 900 * 1024), 'json')
    expect(notes).toEqual([])
    expect(tools.every(({ root, rules }) => root !== '' && rules.includes('\\"p0\\"'))).toBe(true)
  })
})

test('150 tools in 200 KiB are prepared while others have the thread as well', async () => {
  const tools = mcpTools(150, 200 * 1024 + 7)
  let turns = 0
  const counting = setInterval(() => turns++, 0)
  await prepareTools(tools, 'json', toolLimitDefaults)
  clearInterval(counting)
  expect(turns).toBeGreaterThan(1)
  expect(parseTools(tools, 'json').notes).toEqual([])
})

describe('tools that are prepared', () => {
  const tools = [
    { name: 'a b', parameters: { properties: { a: { type: 'wizard' } } } },
    { name: 'b', parameters: { type: 'object' } },
    { name: 'b' },
  ]

  test('are what the tools are, and are not read again', async () => {
    let reads = 0
    const counted = tools.map((one) => ({
      ...one,
      get parameters() {
        reads++
        return one.parameters ?? {}
      },
    }))
    const prepared = await prepareTools(counted, 'json', toolLimitDefaults)
    const once = reads
    expect(parseTools(prepared, 'json')).toEqual(parseTools(tools, 'json'))
    expect(parseTools(prepared, 'json').tools).toBe(parseTools(prepared, 'json').tools)
    for (const format of ['tagged', undefined] as const) {
      expect(parseTools(prepared, format)).toEqual(parseTools(tools, format))
    }
    expect(reads).toBe(once)
  })

  test("keep to another engine's limits, and to what its template can do", async () => {
    const prepared = await prepareTools(tools, 'json', toolLimitDefaults)
    expect(() => parseTools(prepared, 'json', { ...toolLimitDefaults, toolsMax: 1 })).toThrow(
      'toolsMax',
    )
    expect(() => parseTools(prepared, 'json', { ...toolLimitDefaults, toolBytesMax: 9 })).toThrow(
      'toolBytesMax',
    )
    expect(() => parseTools(prepared, 'none')).toThrow('knows no tools')
  })
})

test('tools whose signal is aborted are prepared no further', async () => {
  const left = new AbortController()
  const prepared = prepareTools([{ name: 'a' }], 'json', toolLimitDefaults, left.signal)
  left.abort('gone')
  await expect(prepared).rejects.toMatchObject({ code: 'ERR_CANCELLED', cause: 'gone' })
})
