import { existsSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Project, packCheckout, ScratchFolder } from '../../support/packages/package.js'

// What `npm pack` makes, compiled in an empty project by its install step, from the source that it
// carries. Minutes without ccache.

const scratch = new ScratchFolder()
const project = new Project(scratch.path('project'))

beforeAll(async () => {
  const tarball = await packCheckout(scratch.root)
  await project.npm('pkg', 'set', 'allowScripts.sluice=true', '--json') // npm 12 asks for it
  await project.npm('install', tarball, '--prefer-offline', '--no-audit', '--no-fund')
}, 15 * 60_000)
afterAll(() => scratch[Symbol.dispose]())

test('the packed tarball was compiled, and left no objects behind', () => {
  expect(existsSync(project.path('node_modules/sluice/build/Release/sluice.node'))).toBe(true)
  expect(existsSync(project.path('node_modules/sluice/build-cmake'))).toBe(false)
})

test('the compiled package replies', async () => {
  const { stdout } = await project.npx('sluice', 'run', 'Tell me a story', '--max-tokens', '8')
  expect(stdout).toMatch(/\w/)
})
