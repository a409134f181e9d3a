import { execFileSync } from 'node:child_process'
import { cpSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildInputs } from '../support/packages/build-inputs.js'
import {
  checkoutRoot,
  Project,
  packCheckout,
  ScratchFolder,
  toolHere,
} from '../support/packages/package.js'

// What `npm pack` makes, in a project that has nothing else, with the addon of this checkout's
// build. test/long/packages/compiled.test.ts compiles it there.

const scratch = new ScratchFolder()
const unbuilt = { SLUICE_SKIP_BUILD: '1' }
const project = new Project(scratch.path('project'), toolHere(), unbuilt)
const addon = 'build/Release/sluice.node'
let tarball: string
let files: string[]

beforeAll(async () => {
  tarball = await packCheckout(scratch.root)
  await project.npm('pkg', 'set', 'allowScripts.sluice=true', '--json') // npm 12 asks for it
  await project.npm('install', tarball, '--prefer-offline', '--no-audit', '--no-fund')
  cpSync(path.join(checkoutRoot, addon), project.path('node_modules/sluice', addon))
  const listed = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).split('\n')
  files = listed.map((file) => file.replace(/^package\//, ''))
}, 15 * 60_000)
afterAll(() => scratch[Symbol.dispose]())

const reply = `
  const model = 'node_modules/sluice/models/storyteller.gguf'
  const engine = await load({ model })
  const reply = engine.chat([{ role: 'user', content: 'Tell me a story' }], { maxTokens: 8 })
  console.log(JSON.stringify({ text: await reply.text(), ...(await reply.done).usage }))
  await engine.close()`

describe('the packed tarball', () => {
  test('holds what a build reads and neither tests nor binaries, in less than 8 MB', () => {
    expect(statSync(tarball).size).toBeLessThan(8e6)
    const asked = ['docs/devices.md', 'docs/bundlers.md'] // by our own messages
    const built = [
      'cmake/release.cmake',
      'dist/index.d.ts',
      'scripts/install.mjs',
      'dist/cli/LICENSES.txt',
      'dist/page/LICENSES.txt',
      'docs/images/page.png',
    ]
    for (const name of [...asked, ...built]) expect(files).toContain(name)
    const foreign = /(^|\/)(test|tests|prebuilds|build|\.git)\/|\.(node|so|dll|dylib|o)$/
    expect(files.filter((file) => foreign.test(file))).toEqual([])
  })

  test('holds every file that the build of this checkout has read', () => {
    const inputs = buildInputs()
    expect(inputs).toContain('deps/llama.cpp/src/llama-context.cpp')
    expect(inputs).toContain('native/engine/step-loop.h')
    expect(inputs).toContain('cmake/kernels.cmake')
    const packed = new Set(files)
    expect(inputs.filter((file) => !packed.has(file))).toEqual([])
  })

  test('replies to a program that imports it', async () => {
    const { stdout } = await project.module(`import { load } from 'sluice'\n${reply}`)
    expect(JSON.parse(stdout)).toMatchObject({
      text: expect.stringMatching(/\w/),
      completionTokens: 8,
    })
  })

  test('has the page of its server', async () => {
    const { stdout } = await project.module(`
      import { load } from 'sluice'
      import { createServer } from 'sluice/http'
      const engine = await load()
      const server = createServer({ engine, port: 0 })
      const { url } = await server.listen()
      const page = await fetch(url, { headers: { accept: 'text/html' } })
      const isWhole = (await page.text()).includes('</html>')
      console.log(JSON.stringify({ type: page.headers.get('content-type'), isWhole }))
      await server.close()
      await engine.close()`)
    expect(JSON.parse(stdout)).toEqual({ type: 'text/html; charset=utf-8', isWhole: true })
  })

  test('replies to a program that requires it', async () => {
    const script = `const { load } = require('sluice')\n;(async () => {${reply}})()`
    expect(JSON.parse((await project.commonJs(script)).stdout)).toMatchObject({
      completionTokens: 8,
    })
  })

  test('is a provider of the AI SDK, of which nothing is installed', async () => {
    const { stdout } = await project.module(`
      import { createRequire } from 'node:module'
      import { load } from 'sluice'
      import { createSluice } from 'sluice/ai-sdk'
      const engine = await load()
      const text = [{ type: 'text', text: 'Tell me a story' }]
      const prompt = [{ role: 'user', content: text }]
      const { usage } = await createSluice(engine)().doGenerate({ prompt, maxOutputTokens: 8 })
      console.log(JSON.stringify(usage.outputTokens))
      const required = createRequire(import.meta.url)('sluice/ai-sdk')
      console.log(required.createSluice === createSluice)
      await engine.close()`)
    expect(stdout).toBe('{"total":8}\ntrue\n')
  })

  test('runs as a program', async () => {
    const { stdout } = await project.npx('sluice', 'run', 'Tell me a story', '--max-tokens', '8')
    expect(stdout).toMatch(/\w/)
  })
})

// The last one: it takes the binary away.
test('load() without a binary says what was tried and how to build one', async () => {
  rmSync(project.path('node_modules/sluice/build'), { recursive: true })
  const script = `
    import { load } from 'sluice'
    await load({ model: 'a.gguf' }).catch(({ code, message }) => console.log(code, message))`
  const { stdout } = await project.module(script)
  expect(stdout).toMatch(/^ERR_BINARY_MISSING .*npx sluice build/)
  expect(stdout).toMatch(/build.Release.sluice\.node\) is not there/)
  expect(stdout).toMatch(/the package @sluice\/\S+ is not installed/)
})
