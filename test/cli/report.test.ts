import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { BinaryMissingError, InvalidOptionError, SluiceError } from '../../src/api/errors.js'
import { misspeltVariables } from '../../src/cli/environment.js'
import { inFlags } from '../../src/cli/flags/flag-names.js'
import { chainOf, report } from '../../src/cli/report.js'
import { doctorFlags, runFlags, serveFlags } from '../../src/options/command-flags.js'
import { environmentName } from '../../src/options/flags.js'

let said = ''
beforeEach(() => {
  said = ''
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += text
    return true
  })
})
afterEach(() => vi.restoreAllMocks())

describe('an error on the command line', () => {
  test('is printed with the chain of its causes, each in a line', () => {
    const disk = new Error('EIO: i/o error, read')
    const library = new Error('libggml-cpu.so cannot be read', { cause: disk })
    const error = new BinaryMissingError('there is no native binary', { cause: library })
    expect(report(error)).toBe(1)
    expect(said.split('\n')).toEqual([
      expect.stringMatching(/sluice:.* there is no native binary \(ERR_BINARY_MISSING\)$/),
      '  because: libggml-cpu.so cannot be read',
      '  because: EIO: i/o error, read',
      '',
    ])
  })

  test('leaves out a cause that it repeats, and ends where its causes go in circles', () => {
    const inner = new Error('no such device')
    const outer = new SluiceError('ERR_ENGINE_FAILED', 'it failed: Error: no such device', {
      cause: inner,
    })
    inner.cause = outer
    expect(chainOf(outer)).toEqual(['it failed: Error: no such device'])
  })

  test('prints each of several errors at once, and causes that are no errors', () => {
    const all = new AggregateError([new Error('first'), new Error('second')], 'both failed')
    expect(chainOf(all)).toEqual(['both failed', 'first', 'second'])
    expect(chainOf(new Error('', { cause: 'a reason' }))).toEqual(['Error', 'a reason'])
    expect(chainOf(undefined)).toEqual(['undefined'])
    expect(chainOf('thrown as text')).toEqual(['thrown as text'])
  })

  test('prints a part of an endless chain of causes', () => {
    let error = new Error('0')
    for (let i = 1; i < 1000; i++) error = new Error(`number ${i};`, { cause: error })
    expect(chainOf(error).length).toBeLessThan(10)
  })

  test('about an option is exit code 2', () => {
    expect(report(new InvalidOptionError('--port', "'--port': expected a number."))).toBe(2)
  })
})

describe('an option’s error', () => {
  test.each([
    ['kvCells', serveFlags, '--kv-cells'],
    ['sampling.topK', runFlags, '--top-k'],
    ['reasoning.budget', serveFlags, '--reasoning-budget'],
    ['cacheMiB', serveFlags, '--cache-mib'],
    ['file', doctorFlags, '--model'],
    ['allowOrigins', serveFlags, '--allow-origin'],
    ['allowHosts', serveFlags, '--allow-host'],
    ['aliases', serveFlags, '--alias'],
    ['chatTemplate', runFlags, '--chat-template-file'],
  ])('about %s names the flag of the command line', (option, flags, name) => {
    const error = new InvalidOptionError(option, `'${option}': expected x, but got y.`)
    expect(inFlags(error, flags)).toMatchObject({
      option: name,
      message: `'${name}': expected x, but got y.`,
    })
  })

  test('about an option that has no flag stays as it is, as other errors do', () => {
    for (const error of [new InvalidOptionError('prompt', 'x'), new Error('x'), 5]) {
      expect(inFlags(error, runFlags)).toBe(error)
    }
  })
})

describe('variables of the environment', () => {
  test('with a likely typing error are reported', () => {
    const told = misspeltVariables({ SLUICE_GPU_LAYER: '3', SLUICE_MAX_TOKEN: '3', PATH: 'x' })
    expect(told).toEqual([
      'SLUICE_GPU_LAYER has no effect; did you mean SLUICE_GPU_LAYERS?',
      'SLUICE_MAX_TOKEN has no effect; did you mean SLUICE_MAX_TOKENS?',
    ])
  })

  test('that are right, or of another program, are not reported', () => {
    const flags = Object.keys({ ...runFlags, ...serveFlags, ...doctorFlags }).map(environmentName)
    const own = [...flags, 'SLUICE_API_KEY', 'SLUICE_DEBUG', 'SLUICE_BACKEND']
    const kubernetes = [
      'SLUICE_SERVICE_HOST',
      'SLUICE_SERVICE_PORT',
      'SLUICE_PORT_80_TCP_ADDR',
      'SLUICE_SERVICE_PORT_HTTP',
    ]
    const all = Object.fromEntries([...own, ...kubernetes].map((name) => [name, '1']))
    expect(misspeltVariables(all)).toEqual([])
  })
})
