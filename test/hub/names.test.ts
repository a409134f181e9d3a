import { describe, expect, test } from 'vitest'
import { choose, labelOf, modelsOf } from '../../src/hub/quants.js'
import { type HubName, hubNameOf, isPathWithin, parseHubName } from '../../src/options/hub-name.js'

const named = (text: string) => parseHubName(text) as HubName

describe('a name of the Hub', () => {
  test.each([
    ['hf:a/b', { repo: 'a/b', revision: 'main', hasRevision: false }],
    ['hf:a/b:Q4_K_M', { repo: 'a/b', quant: 'Q4_K_M' }],
    ['hf:a/b@v1.0:q8_0', { repo: 'a/b', revision: 'v1.0', hasRevision: true, quant: 'q8_0' }],
    ['hf:a/b/c-F16.gguf', { repo: 'a/b', file: 'c-F16.gguf' }],
    ['hf:a/b@dev/sub/c.GGUF', { repo: 'a/b', revision: 'dev', file: 'sub/c.GGUF' }],
  ])('%s is read', (text, parts) => {
    expect(parseHubName(text)).toMatchObject(parts)
  })

  test.each([
    'a/b',
    'hf:a',
    'hf:a/b/c.bin',
    'hf:a/..',
    'hf:../b',
    'hf:a/b@../x:Q8_0',
    'hf:a/b/../../c.gguf',
    'hf:a/b//c.gguf',
    'hf:a/b/c\\d.gguf',
    'hf:a/b:',
    'hf:a/b c:Q8_0',
  ])('%s is none', (text) => {
    expect(parseHubName(text)).toBeUndefined()
  })

  test('is written as it is read', () => {
    expect(hubNameOf(named('hf:a/b@v1:q8_0'), 'Q8_0')).toBe('hf:a/b@v1:Q8_0')
    expect(hubNameOf(named('hf:a/b'), 'c/d.gguf')).toBe('hf:a/b/c/d.gguf')
  })

  test('cannot lead out of its folder', () => {
    for (const path of ['../a', 'a/../b', '/a', 'a//b', 'a\\b', 'C:a', 'a\0', '.', '']) {
      expect([path, isPathWithin(path)]).toEqual([path, false])
    }
    expect(isPathWithin('a/b.c/..d')).toBe(true)
  })
})

const files = [
  'README.md',
  'm-UD-Q4_K_XL.gguf',
  'm-Q4_K_M.gguf',
  'm-Q8_0.gguf',
  'm-IQ2_XXS.gguf',
  'm.BF16-00001-of-00002.gguf',
  'm.BF16-00002-of-00002.gguf',
  'mmproj-F16.gguf',
  'mtp-m-Q8_0.gguf',
]

describe('of a repository', () => {
  test('each model has the quant of its name, and companions are none', () => {
    expect(modelsOf(files).map(({ quant, files }) => [quant, files.length])).toEqual([
      ['IQ2_XXS', 1],
      ['Q4_K_M', 1],
      ['Q8_0', 1],
      ['UD-Q4_K_XL', 1],
      ['BF16', 2],
    ])
  })

  test.each([
    ['hf:a/b', 'm-Q4_K_M.gguf'],
    ['hf:a/b:q8_0', 'm-Q8_0.gguf'],
    ['hf:a/b:UD-Q4_K_XL', 'm-UD-Q4_K_XL.gguf'],
    ['hf:a/b:Q4_K_XL', 'm-UD-Q4_K_XL.gguf'],
    ['hf:a/b:bf16', 'm.BF16-00001-of-00002.gguf'],
    ['hf:a/b/m.BF16-00002-of-00002.gguf', 'm.BF16-00001-of-00002.gguf'],
    ['hf:a/b/mmproj-F16.gguf', 'mmproj-F16.gguf'],
  ])('%s is one model', (text, file) => {
    expect(choose(named(text), files).files[0]).toBe(file)
  })

  test('the default is Q4_K_M, then Q8_0, then the first by name', () => {
    const first = (...names: string[]) => choose(named('hf:a/b'), names).files[0]
    expect(first('z-Q8_0.gguf', 'a-Q2_K.gguf')).toBe('z-Q8_0.gguf')
    expect(first('z-Q2_K.gguf', 'b.gguf')).toBe('b.gguf')
  })

  test('a quant in the name of a folder counts', () => {
    expect(choose(named('hf:a/b:Q6_K'), ['Q6_K/m.gguf', 'Q5_K/m.gguf']).files).toEqual([
      'Q6_K/m.gguf',
    ])
  })

  test('a quant that two models have is ambiguous, and a file is named', () => {
    const two = ['x-Q8_0.gguf', 'y-Q8_0.gguf']
    expect(() => choose(named('hf:a/b:Q8_0'), two)).toThrow(/2 fit.*hf:a\/b\/x-Q8_0\.gguf/)
    const [first = modelsOf(two)[0]] = modelsOf(two)
    expect(first && labelOf(first, modelsOf(two))).toBe('x-Q8_0.gguf')
  })

  test.each([
    [
      ['m-Q8_0.gguf', 'm-Q8_0-00001-of-00002.gguf', 'm-Q8_0-00002-of-00002.gguf'],
      [2, 1],
    ],
    [
      [1, 2]
        .map((part) => `m-Q8_0-0000${part}-of-00002.gguf`)
        .concat([1, 2, 3].map((part) => `m-Q8_0-0000${part}-of-00003.gguf`)),
      [2, 3],
    ],
  ])('a model that is there in several ways is each of them: %j', (ways, counts) => {
    const models = modelsOf(ways)
    expect(models.map(({ files }) => files.length)).toEqual(counts)
    expect(models.map(({ isPartial }) => isPartial)).toEqual([false, false])
    expect(() => choose(named('hf:a/b:Q8_0'), ways)).toThrow(/2 fit/)
    for (const { files: own } of models) {
      for (const file of own) expect(choose(named(`hf:a/b/${file}`), ways).files).toEqual(own)
    }
  })

  test('a model without all of its parts is told apart', () => {
    expect(modelsOf(['a-00001-of-00003.gguf'])[0]?.isPartial).toBe(true)
  })
})
