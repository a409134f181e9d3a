import { cpSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { type BuildOptions, build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hosts } from '../../support/packages/hosts.js'
import { packageUnderTest, projectWith } from '../../support/packages/package-under-test.js'
import { startProgram } from '../../support/program.js'

// A program that a bundler made of a user's, in a project that has the package installed.

const project = projectWith(packageUnderTest)
cpSync('test/hosts/bundled', path.join(project, 'src'), { recursive: true })
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
    ['bundled-ai-sdk', 'object true\n'],
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
    expect(stdout).toMatch(
      /external: \['sluice', 'sluice\/http', 'sluice\/ai-sdk', .*docs\/bundlers\.md/,
    )
  })
})

test('each way of docs/bundlers.md is one of these', () => {
  const page = readFileSync('docs/bundlers.md', 'utf8')
  const mark = '<!-- run by test/long/packages/bundle.test.ts -->'
  const blocks = page.split(`${mark}\n\`\`\`js\n`).slice(1)
  expect(blocks).toHaveLength(5)
  const sources = ['test/hosts/bundled/bundle.mjs', 'test/long/packages/bundle.test.ts']
  const said = sources.map((file) => readFileSync(file, 'utf8')).join('\n')
  for (const block of blocks) {
    const code = block.slice(0, block.indexOf('```'))
    const [line = ''] = /externals?: [^\n]*[\]}]/.exec(code) ?? []
    expect(line, code).not.toBe('')
    // The value alone: here it stands beside another, or behind a condition.
    expect(said).toContain(line.slice(line.indexOf(': ') + 2).replace(/ \}$/, ''))
  }
})

describe('bundled by', () => {
  let home: string
  beforeAll(async () => {
    home = await hosts()
  }, 15 * 60_000)
  afterAll(() => rmSync(path.join(home, 'out-bundles'), { recursive: true, force: true }))

  const entry = (name: string) => path.join(home, `bundled/${name}.mjs`)
  const bundleWith = async (tool: string, name: string, out: string, ...inside: string[]) => {
    const outfile = path.join(home, 'out-bundles', out)
    const args = [entry('bundle'), tool, entry(name), outfile, ...inside]
    const bundled = await startProgram(process.execPath, args, { cwd: home }).result
    expect(bundled).toMatchObject({ code: 0, stderr: '' })
    return startProgram(process.execPath, [outfile, model], { cwd: home }).result
  }

  test.each([
    ['rollup', 'rollup.mjs'],
    ['vite', 'vite.mjs'],
    ['webpack-module', 'module.mjs'],
    ['webpack-commonjs', 'commonjs.cjs'],
  ])('%s, the program runs where the package is left outside', async (tool, out) => {
    const result = await bundleWith(tool, 'bundled-server', out)
    expect(result).toEqual({ code: 0, stdout: 'health 200\n', stderr: '' })
  })

  test.each([
    ['vite', 'inside-vite.mjs', "ssr: { external: ['sluice'] } in Vite"],
    ['webpack-module', 'inside-module.mjs', "'module' where the bundle is an ES module"],
    [
      'webpack-commonjs',
      'inside-commonjs.cjs',
      "externals: [/^sluice(\\/|$)/] and externalsType: 'commonjs'",
    ],
  ])('%s, load() names the line that leaves it outside', async (tool, out, line) => {
    const { code, stdout } = await bundleWith(tool, 'bundled', out, 'inside')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^true ERR_BINARY_MISSING sluice is part of a bundle \(/)
    expect(stdout).toContain(line)
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
