import { describe, expect, test } from 'vitest'
import { help, parseArguments } from '../../bench/args.js'

const parse = (...argv: string[]) =>
  parseArguments(argv, { cases: ['throughput', 'ceiling'], cores: 2 })

describe('arguments of the bench', () => {
  test('are every case, three rounds and a thread a core where none is given', () => {
    expect(parse()).toMatchObject({ cases: [], rounds: 3, threads: 2, kvType: 'f16', page: false })
  })

  test('--quick is one round, unless rounds are given', () => {
    expect(parse('--quick').rounds).toBe(1)
    expect(parse('--quick', '--rounds', '2').rounds).toBe(2)
  })

  test('--case takes a list, and may be given again', () => {
    expect(parse('--case', 'throughput,ceiling').cases).toEqual(['throughput', 'ceiling'])
    expect(parse('--case', 'ceiling', '--case', 'throughput').cases).toHaveLength(2)
  })

  test.each([
    [['--case', 'nothing'], '--case is one of throughput, ceiling, not "nothing"'],
    [['--model', 'huge'], '--model is one of tiny, small, big'],
    [['--kv-type', 'f32'], '--kv-type is one of f16, q8_0'],
    [['--rounds', '0'], '--rounds is a whole number'],
    [['--threads', 'two'], '--threads is a whole number'],
    [['--fast'], '--help lists what there is'],
    [['throughput'], '--help lists what there is'],
  ])('%j is refused with what was expected', (argv, message) => {
    expect(() => parse(...argv)).toThrow(message)
  })

  test('the help lists every case', () => {
    expect(help([{ name: 'throughput', about: 'tokens/s' }])).toMatch(
      /^ {2}throughput +tokens\/s$/m,
    )
  })
})
