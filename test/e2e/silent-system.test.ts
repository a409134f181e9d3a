import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { startProgram } from '../support/program.js'

// A system that tells nothing of itself, as Deno's without --allow-sys: defaults are taken, and the
// one that matters is told.

const root = path.resolve(import.meta.dirname, '../..')
const preload = path.join(root, 'test/lifecycle/children/silent-system.mjs')
const main = path.join(root, 'dist/cli/main.cjs')
const start = (...args: string[]) => startProgram(process.execPath, ['--import', preload, ...args])
const warned =
  /^\(.*\[SLUICE_MEMORY\] Warning: .*half of the machine's is assumed\n.*\n.*trace.*\n$/

describe('where the system reports nothing', () => {
  test('a model is loaded, estimated and answers; memory is warned of once', async () => {
    const program = `
      import { estimate, load } from './dist/index.js'
      const model = 'models/storyteller.gguf'
      const found = await estimate(model)
      const engine = await load({ model })
      const text = await engine.chat([{ role: 'user', content: 'x' }], { maxTokens: 5 }).text()
      const { threads, cacheMiB } = engine.settings
      console.log(found.fits, threads > 0, cacheMiB > 0, text !== '')
      await engine.close()`
    const args = ['--input-type=module', '-e', program]
    const result = await startProgram(process.execPath, ['--import', preload, ...args], {
      cwd: root,
    }).result
    expect(result).toMatchObject({ code: 0, stdout: 'true true true true\n' })
    expect(result.stderr).toMatch(warned)
  })

  test('doctor prints what it knows', async () => {
    const { code, stdout, stderr } = await start(main, 'doctor', '--json').result
    expect({ code, warned: warned.test(stderr) }).toEqual({ code: 0, warned: true })
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ platform: { release: 'unknown' }, cpu: { model: 'unknown' } })
    expect(report.memory.totalBytes).toBeGreaterThan(2 ** 28)
    expect(report.memory.freeBytes).toBe(Math.floor(report.memory.totalBytes / 2))
  })

  test('serve answers and ends', async () => {
    const served = start(main, 'serve', '--port', '0')
    const [, url] = await served.said(/Listening on (http:\S+)\. Try:/)
    expect((await fetch(`${url}/metrics`)).status).toBe(200)
    served.child.kill('SIGTERM')
    expect((await served.result).code).toBe(0)
  })
})
