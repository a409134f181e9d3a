import { expect, test } from 'vitest'
import { InvalidOptionError } from '../../src/api/errors.js'
import { parseEstimateOptions, parseLoadOptions } from '../../src/options/engine-options.js'
import { parseWorkerName, workerList } from '../../src/options/worker-names.js'

test.each([
  ['10.0.0.2:50052', { host: '10.0.0.2', port: 50052 }],
  ['gpu-box.local:1', { host: 'gpu-box.local', port: 1 }],
  ['Gpu_1:65535', { host: 'Gpu_1', port: 65535 }],
])('%s is a worker', (text, name) => {
  expect(parseWorkerName(text)).toEqual(name)
})

test.each([
  ['10.0.0.2', 'no port'],
  [':50052', 'no host'],
  ['10.0.0.2:0', 'no port that anything listens on'],
  ['10.0.0.2:65536', 'a port beyond the last'],
  ['10.0.0.256:50052', 'no address'],
  ['10.0.0:50052', 'no whole address'],
  ['[::1]:50052', 'IPv6, which ggml cannot'],
  ['::1:50052', 'IPv6 without brackets'],
  ['http://gpu:50052', 'a URL'],
  ['gpu :50052', 'a space'],
  ['gpu:50052,other:50052', 'two in one'],
])('%s is refused: %s', (text) => {
  expect(parseWorkerName(text)).toBeUndefined()
  expect(() => parseLoadOptions({ rpc: [text] }, 'a.gguf')).toThrow(InvalidOptionError)
})

test('rpc is a list of 1 to 16 workers, each once', () => {
  const of = (rpc: unknown) => parseLoadOptions({ rpc }, 'a.gguf').rpc
  expect(of(['a:1', 'b:1', 'a:2'])).toEqual(['a:1', 'b:1', 'a:2'])
  expect(of(undefined)).toEqual([])
  const many = Array.from({ length: 17 }, (_, i) => `a:${i + 1}`)
  expect(of(many.slice(1))).toHaveLength(16)
  for (const wrong of [[], many, ['a:1', 'a:1'], 'a:1', new Array(2)]) {
    expect(() => of(wrong)).toThrow('host:port')
  }
})

test('rpc has its engine in a process of its own, and nothing else is taken', () => {
  const rpc = ['a:1']
  expect(parseLoadOptions({ rpc }, 'a.gguf').isolation).toBe('process')
  expect(parseLoadOptions({}, 'a.gguf').isolation).toBe('none')
  expect(parseEstimateOptions('a.gguf', { rpc }, 'b.gguf').isolation).toBe('process')
  expect(() => parseLoadOptions({ rpc, isolation: 'none' }, 'a.gguf')).toThrow("'isolation'")
  expect(() => parseLoadOptions({ rpc, gpuLayers: 0 }, 'a.gguf')).toThrow("'gpuLayers'")
})

test('a command line has them with commas between', () => {
  expect(workerList.accepts('a:1,10.0.0.2:2')).toBe(true)
  for (const wrong of ['', 'a', 'a:1,', 'a:1,a:1', 'a:1, b:1']) {
    expect([wrong, workerList.accepts(wrong)]).toEqual([wrong, false])
  }
})
