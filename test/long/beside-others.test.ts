import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { installed } from '../support/packages/installed.js'
import { programs } from '../support/packages/package-under-test.js'
import { startProgram } from '../support/program.js'

// node-llama-cpp has a llama.cpp of its own, of the same symbols. Its platform's package is named,
// because npm takes those of all platforms otherwise.

const folder = programs('test/long/programs')
const isHere = process.platform === 'linux' && process.arch === 'x64'

describe.runIf(isHere)('in one process with node-llama-cpp', () => {
  test.each(['sluice', 'other'])('both write what each writes alone; first: %s', async (first) => {
    const packages = [
      '--omit=optional',
      'node-llama-cpp@3.22.1',
      '@node-llama-cpp/linux-x64@3.22.1',
    ]
    const program = path.join(folder, 'beside-node-llama-cpp.mjs')
    const model = path.resolve('models/storyteller.gguf')
    const args = [program, installed(packages), model, first]
    expect(await startProgram(process.execPath, args).result).toMatchObject({
      code: 0,
      stdout: 'wrote true true\ngoes on true\n',
    })
  })
})
