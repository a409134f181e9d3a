import { expect, test } from 'vitest'
import { modelId } from '../../src/engine/model-id.js'

test.each([
  ['/models/qwen3-0.6b.gguf', 'qwen3-0.6b'],
  ['big-Q4_K_M-00001-of-00003.gguf', 'big-Q4_K_M'],
  ['Big-00001-of-00002.GGUF', 'Big'],
  ['part-1-of-2.gguf', 'part-1-of-2'],
  ['00001-of-00002.gguf', '00001-of-00002'],
  ['model', 'model'],
])('the model of %s is called %s', (file, id) => {
  expect(modelId(file)).toBe(id)
})
