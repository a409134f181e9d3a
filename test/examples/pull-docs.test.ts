import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { embeddedModel } from '../../src/index.js'
import { blocksOf, programLanguages } from '../support/docs/blocks.js'
import { DocsProject } from '../support/docs/runner.js'
import { LoopbackHub } from '../support/hub/loopback-hub.js'

// The programs of docs/pull.md, as they stand and in their order, against a Hub on loopback that
// has the embedded model by the name that the page has.

const page = 'docs/pull.md'
const blocks = blocksOf(page).filter(({ language }) => programLanguages.has(language))
const project = new DocsProject()
const cache = mkdtempSync(path.join(tmpdir(), 'sluice-docs-'))
const before = { ...process.env }
let hub: LoopbackHub

beforeAll(async () => {
  hub = await LoopbackHub.start()
  const model = readFileSync(embeddedModel)
  hub.put('Qwen/Qwen3-0.6B-GGUF', { 'README.md': Buffer.from('x'), 'Qwen3-0.6B-Q8_0.gguf': model })
  Object.assign(process.env, { HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: cache, HF_TOKEN: '' })
})
afterAll(async () => {
  process.env = before
  await Promise.all([hub.close(), project.close()])
  rmSync(cache, { recursive: true, force: true })
})

describe(page, () => {
  for (const block of blocks) {
    test(`line ${block.line} runs (${block.language})`, async () => {
      const { code, stdout, stderr } = await project.run(block)
      expect({ code, stderr, stdout }).toMatchObject({
        code: 0,
        stderr: expect.not.stringMatching(/Error\b|ERR_/),
        stdout: expect.stringMatching(/\S/),
      })
    })
  }

  test('has programs of both kinds, which pull once', () => {
    expect(new Set(blocks.map(({ language }) => language))).toEqual(new Set(['sh', 'js']))
    expect(hub.fetches).toHaveLength(1)
  })
})
