import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { loraOption } from '../../src/cli/flags/lora-flag.js'

const temp = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-lora-flag-'))
afterAll(() => fs.rmSync(temp, { recursive: true, force: true }))

describe('--lora', () => {
  test('names files, and scales them where it says so', () => {
    expect(loraOption([])).toBeUndefined()
    expect(loraOption(['red=a.gguf', 'blue=b=c.gguf@0.5', 'low=d.gguf@-1'])).toEqual({
      red: { file: 'a.gguf' },
      blue: { file: 'b=c.gguf', scale: 0.5 },
      low: { file: 'd.gguf', scale: -1 },
    })
  })

  test('takes any name', () => {
    const names = ['__proto__', 'constructor']
    const option = loraOption(names.map((name) => `${name}=a.gguf`)) ?? {}
    expect(Object.keys(option)).toEqual(names)
  })

  test('takes an @ of a path for a part of it where it cannot be a scale', () => {
    expect(loraOption(['red=a@b/c.gguf'])).toEqual({ red: { file: 'a@b/c.gguf' } })
    const there = path.join(temp, 'x@2')
    fs.writeFileSync(there, '')
    expect(loraOption([`red=${there}`])).toEqual({ red: { file: there } })
    expect(loraOption([`red=${there}@3`])).toEqual({ red: { file: there, scale: 3 } })
  })

  test.each([
    [['a.gguf'], 'NAME=FILE'],
    [['=a.gguf'], 'NAME=FILE'],
    [['red='], 'NAME=FILE'],
    [['7=a.gguf'], 'NAME=FILE'],
    [['red=a.gguf@x'], 'behind the @'],
    [['red=a.gguf@1e9'], 'behind the @'],
    [['red=a.gguf', 'red=b.gguf'], 'another name'],
  ])('refuses %j', (given, message) => {
    expect(() => loraOption(given)).toThrow(message)
  })
})
