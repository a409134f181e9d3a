import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ScratchFolder } from '../support/packages/package.js'
import { unpackedPackage } from '../support/packages/package-copy.js'
import { startProgram } from '../support/program.js'

// The package as it is published, seen by TypeScript and by those who check packages.

const project = new ScratchFolder()
let packed: Awaited<ReturnType<typeof unpackedPackage>>
beforeAll(async () => {
  packed = await unpackedPackage(project.root)
})
afterAll(() => project[Symbol.dispose]())

test('publint finds nothing', async () => {
  const { buffer, byteOffset, length } = packed.tarball
  const tarball = (buffer as ArrayBuffer).slice(byteOffset, byteOffset + length)
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true })
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
})

test('“are the types wrong?” finds the types right wherever Node resolves exports', async () => {
  const entrypoints = ['.', './http', './ai-sdk', './langchain']
  const tarball = createPackageFromTarballData(new Uint8Array(packed.tarball))
  const { problems } = (await checkPackage(tarball, { entrypoints })) as Analysis
  const found = problems.map(({ kind, resolutionKind }) => `${resolutionKind}: ${kind}`)
  expect([...new Set(found)].sort()).toEqual([
    // The Node of that setting knows no exports; every Node that the package runs on does.
    'node10: NoResolution',
  ])
})

interface Analysis {
  problems: { kind: string; resolutionKind?: string }[]
}

describe('a TypeScript program, strict and with every declaration checked', () => {
  const settings: [name: string, options: string[], file: string][] = [
    ['nodenext, ES module', ['--module', 'nodenext'], 'chat.mts'],
    ['nodenext, CommonJS', ['--module', 'nodenext'], 'chat.cts'],
    ['node16, ES module', ['--module', 'node16'], 'chat.mts'],
    ['bundler', ['--module', 'esnext', '--moduleResolution', 'bundler'], 'chat.mts'],
  ]

  test.each(settings)('compiles and runs by %s', async (_, options, file) => {
    const folder = sources()
    const { stdout, code } = await compile(folder, file, options)
    expect({ stdout, code }).toEqual({ stdout: '', code: 0 })
    linkBinary()
    const script = path.join(folder, file.replace(/ts$/, 'js'))
    const model = path.join(packed.home, 'models/storyteller.gguf')
    const run = await startProgram(process.execPath, [script, model]).result
    // Node 22.12 warns of a require() that takes an ES module; later ones and 20.19 do not.
    expect(run).toMatchObject({ code: 0, stdout: 'function 0 true\n' })
  })

  test('compiles by node16 as CommonJS, with declarations left unchecked', async () => {
    const folder = sources()
    const checked = await compile(folder, 'chat.cts', ['--module', 'node16'])
    // For TypeScript that Node takes no ES module in require(): its error is in our declarations.
    expect(checked.stdout.match(/index\.d\.cts.*error TS\d+|http\.d\.cts.*error TS\d+/g)).toEqual([
      expect.stringContaining('error TS1471'),
      expect.stringContaining('error TS1471'),
    ])
    const program = readFileSync(path.join(folder, 'chat.cts'), 'utf8')
    writeFileSync(path.join(folder, 'wrong.cts'), `${program}load({ model: 1 })\n`)
    const options = ['--module', 'node16', '--skipLibCheck', 'true']
    const wrong = await compile(folder, 'wrong.cts', options)
    expect(wrong.stdout.trim().split('\n')).toEqual([
      expect.stringMatching(/error TS2322: Type 'number' is not assignable/),
    ])
  })
})

test.each([
  ['Node’s declarations', 'es2022'],
  ['those of browsers beside them', 'es2022,dom'],
])(
  'streams of a reply fit %s',
  async (_, lib) => {
    const folder = sources('streams.mts')
    const { stdout, code } = await compile(folder, 'streams.mts', ['--module', 'nodenext'], lib)
    expect({ stdout, code }).toEqual({ stdout: '', code: 0 })
    linkBinary()
    const run = await startProgram(process.execPath, [path.join(folder, 'streams.mjs')]).result
    expect(run).toMatchObject({ code: 0, stdout: 'true true true true 20\n' })
  },
  240_000,
)

describe('a program with the AI SDK', () => {
  test(
    'compiles and runs where the AI SDK’s types are there',
    async () => {
      linkOptional('@ai-sdk/provider')
      const folder = sources('ai-sdk.mts')
      const options = ['--module', 'nodenext']
      const { stdout, code } = await compile(folder, 'ai-sdk.mts', options)
      expect({ stdout, code }).toEqual({ stdout: '', code: 0 })
      linkBinary()
      const run = await startProgram(process.execPath, [path.join(folder, 'ai-sdk.mjs')]).result
      expect(run).toMatchObject({ code: 0, stdout: 'v3 function text\n' })
    },
    15 * 60_000,
  )

  test(
    'runs where nothing of the AI SDK is, and TypeScript names what it misses',
    async () => {
      unlinkOptional('@ai-sdk/provider')
      const folder = sources('ai-sdk.mts')
      const { stdout } = await compile(folder, 'ai-sdk.mts', ['--module', 'nodenext'])
      expect(stdout).toMatch(/ai-sdk\/\S+\.d\.ts.* Cannot find module '@ai-sdk\/provider'/)
      linkBinary()
      const run = await startProgram(process.execPath, [path.join(folder, 'ai-sdk.mjs')]).result
      expect(run).toMatchObject({ code: 0, stdout: 'v3 function text\n' })
    },
    15 * 60_000,
  )
})

let folders = 0

/** A folder of its own in the project, with the program as ES module and as CommonJS. */
function sources(...more: string[]): string {
  const folder = project.path(`sources-${folders++}`)
  mkdirSync(folder)
  for (const name of more) copyFileSync(`test/package/programs/${name}`, path.join(folder, name))
  for (const name of ['chat.mts', 'chat.cts']) {
    copyFileSync('test/package/programs/chat.mts', path.join(folder, name))
  }
  return folder
}

function compile(folder: string, file: string, options: readonly string[], libs = 'es2022') {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  const lib = ['--target', 'es2022', '--lib', libs, '--types', 'node']
  const args = [tsc, '--strict', '--skipLibCheck', 'false', ...lib, ...options, file]
  return startProgram(process.execPath, args, { cwd: folder }).result
}

/** A peer that may be missing, of this checkout, in the project. */
function linkOptional(name: string): void {
  const link = project.path('node_modules', name)
  mkdirSync(path.dirname(link), { recursive: true })
  symlinkSync(path.resolve('node_modules', name), link, 'junction')
}

function unlinkOptional(name: string): void {
  rmSync(project.path('node_modules', name), { recursive: true, force: true })
}

/** The package carries source; what it was compiled to here stands in for a build of its own. */
function linkBinary(): void {
  const target = path.join(packed.home, 'build')
  try {
    symlinkSync(path.resolve('build'), target, 'junction')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
