import { cpSync, rmSync } from 'node:fs'
import path from 'node:path'
import { type BuildOptions, build } from 'esbuild'
import { afterAll, describe, expect, test } from 'vitest'
import { packageUnderTest, projectWith } from '../support/packages/package-under-test.js'
import { startProgram } from '../support/program.js'

// A program that a bundler made of a user's, in a project that has the package installed.

const project = projectWith(packageUnderTest)
cpSync('test/package/programs', path.join(project, 'src'), { recursive: true })
afterAll(() => rmSync(project, { recursive: true, force: true }))

const model = path.resolve('models/storyteller.gguf')

const formats: [format: 'esm' | 'cjs', extension: string][] = [
  ['esm', 'mjs'],
  ['cjs', 'cjs'],
]

describe.each(formats)('bundled by esbuild as %s', (format, extension) => {
  test.each([
    ['bundled', 'read true\n'],
    ['bundled-server', 'health 200\n'],
  ])('runs where it leaves the package outside (%s)', async (name, stdout) => {
    const outfile = path.join(project, `dist/${name}.${extension}`)
    await bundle(name, outfile, { format, external: ['sluice'] })
    expect(await run(outfile)).toEqual({ code: 0, stdout, stderr: '' })
  })

  test('is told what to do by load() where it takes the package in', async () => {
    const outfile = path.join(project, `dist/inside.${extension}`)
    await bundle('bundled', outfile, { format })
    const { code, stdout } = await run(outfile)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^true ERR_BINARY_MISSING sluice is part of a bundle \(/)
    expect(stdout).toMatch(/external: \['sluice', 'sluice\/http'\].*docs\/bundlers\.md/)
  })
})

function bundle(name: string, outfile: string, options: BuildOptions) {
  const entryPoints = [path.join(project, `src/${name}.mjs`)]
  const node = { bundle: true, platform: 'node', logLevel: 'silent' } as const
  return build({ entryPoints, outfile, ...node, ...options })
}

function run(script: string) {
  return startProgram(process.execPath, [script, model], { cwd: project }).result
}
