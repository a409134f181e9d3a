import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encoderModel } from '../../support/models/encoder-model.js'
import { randomModel } from '../../support/models/random-model.js'
import { ScratchFolder } from '../../support/packages/package.js'
import { startProgram } from '../../support/program.js'

// llama-server's own tests, of the pinned llama.cpp, against `sluice serve`: each one that
// llama-server passes on the same models is passed here too, or is among the differences, with its
// reason. It takes a Python with pytest, requests, filelock and openai (Debian's python3-pytest,
// python3-requests and python3-filelock; openai is to be had of PyPI alone): $LLAMA_SUITE_PYTHON,
// or python3. dist/ must be built.

const python = process.env.LLAMA_SUITE_PYTHON ?? 'python3'
const suite = path.resolve('deps/llama.cpp/tools/server/tests')
const own = path.resolve('test/long/llama-server')
const scratch = new ScratchFolder()

/** The tests that a file lists, one a line. */
function testsOf(file: string): string[] {
  const lines = fs.readFileSync(path.join(own, file), 'utf8').split('\n')
  return lines.filter((line) => line !== '' && !line.startsWith('#'))
}

/** What llama-server passes: see passed.txt on how that was found. */
const expected = testsOf('passed.txt')
/** What of that is not passed here, with the reasons. */
const differences = testsOf('differences.txt')

const outcomes = new Map<string, string>()

beforeAll(async () => {
  checkPython()
  // The suite names templates by where it lies, and writes beside itself.
  const folder = scratch.path('tree/tools/server/tests')
  fs.cpSync(suite, folder, { recursive: true })
  fs.symlinkSync(path.resolve('deps/llama.cpp/models'), scratch.path('tree/models'))
  const models = scratch.path('models.json')
  fs.writeFileSync(models, JSON.stringify(suiteModels()))
  const results = scratch.path('results')
  fs.writeFileSync(results, '')
  const tests = expected.map((name) => `unit/${name}`)
  const args = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-p', 'plugin', ...tests]
  const env = {
    PYTHONPATH: `${own}:${folder}`,
    PYTHONDONTWRITEBYTECODE: '1',
    LLAMA_SERVER_BIN_PATH: path.join(own, 'shim.mjs'),
    LLAMA_SUITE_MODELS: models,
    LLAMA_SUITE_RESULTS: results,
  }
  await startProgram(python, args, { cwd: folder, env }).result
  for (const line of fs.readFileSync(results, 'utf8').trim().split('\n')) {
    const [name, outcome] = JSON.parse(line) as [string, string]
    if (outcomes.get(name) !== 'failed') outcomes.set(name, outcome)
  }
}, 60 * 60_000)
afterAll(() => scratch[Symbol.dispose]())

function checkPython(): void {
  try {
    execFileSync(python, ['-c', 'import pytest, requests, filelock, openai'], { stdio: 'pipe' })
  } catch (cause) {
    const packages = 'python3-pytest python3-requests python3-filelock, and `pip install openai`'
    throw new Error(`${python} lacks what the suite imports; install ${packages}`, { cause })
  }
}

/** By the words that the shim asks for them with. */
function suiteModels() {
  return {
    text: path.resolve('models/storyteller.gguf'),
    infill: randomModel({ infill: [260, 261, 262] }),
    rerank: encoderModel({ pooling: 4 }),
    'embedding-mean': encoderModel(),
    'embedding-last': encoderModel({ pooling: 3 }),
    'embedding-none': encoderModel({ pooling: null }),
  }
}

test('passes what llama-server passes, but for the differences', () => {
  const unknown = differences.filter((name) => !expected.includes(name))
  expect(unknown, 'differences of tests that llama-server does not pass').toEqual([])
  const failed = expected.filter((name) => outcomes.get(name) !== 'passed')
  console.log(`${expected.length - failed.length} of ${expected.length} passed`)
  expect(failed.sort()).toEqual(differences.sort())
})
