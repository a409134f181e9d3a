import { cpSync, rmSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { installed } from '../support/packages/installed.js'
import { packageUnderTest, projectWith } from '../support/packages/package-under-test.js'
import { startProgram } from '../support/program.js'

// The settings of docs/bundlers.md, with the bundlers that npm has; esbuild is in test/package.

const tools = ['rollup@4.68.8', 'vite@8.3.8', 'webpack@5.113.0']
const project = projectWith(packageUnderTest)
afterAll(() => rmSync(project, { recursive: true, force: true }))

beforeAll(() => {
  cpSync('test/package/programs', path.join(project, 'src'), { recursive: true })
  installed(tools)
})

test.each([
  ['rollup', 'mjs'],
  ['vite', 'mjs'],
  ['webpack-module', 'mjs'],
  ['webpack-commonjs', 'cjs'],
])('a bundle of %s that leaves the package outside runs', async (tool, extension) => {
  const outfile = path.join(project, `out-${tool}/bundle.${extension}`)
  const driver = path.resolve('test/long/programs/bundle.mjs')
  const entry = path.join(project, 'src/bundled-server.mjs')
  const args = [driver, tool, installed(tools), entry, outfile]
  const bundled = await startProgram(process.execPath, args, { cwd: project }).result
  expect(bundled).toMatchObject({ code: 0, stderr: '' })
  const model = path.resolve('models/storyteller.gguf')
  const run = await startProgram(process.execPath, [outfile, model], { cwd: project }).result
  expect(run).toEqual({ code: 0, stdout: 'health 200\n', stderr: '' })
})
