import { rmSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hosts } from '../support/packages/hosts.js'
import { installed } from '../support/packages/installed.js'
import { freePort, startProgram } from '../support/program.js'

// Rows of docs/bundlers.md that take longer, or need another runtime; the others are in
// test/package.

let home: string
beforeAll(async () => {
  home = await hosts()
}, 10 * 60_000)

describe('Next.js', () => {
  const folder = () => path.join(home, 'next')
  const next = (more: Record<string, string>, ...args: string[]) => {
    const env = { NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: '', VITEST: '', ...more }
    const cli = path.join(home, 'node_modules/next/dist/bin/next')
    return startProgram(process.execPath, [cli, ...args], { cwd: folder(), env })
  }

  /** What /api/stats answers, which loads the model, and what the server said. */
  async function statsOf(
    env: Record<string, string>,
    ...flags: string[]
  ): Promise<{ status: number; stderr: string }> {
    rmSync(path.join(folder(), '.next'), { recursive: true, force: true })
    const built = await next(env, 'build', ...flags).result
    expect(built.code, built.stdout + built.stderr).toBe(0)
    const port = await freePort()
    const program = next(env, 'start', '--port', String(port))
    await program.said(/Ready in/)
    const { status } = await fetch(`http://127.0.0.1:${port}/api/stats`)
    program.child.kill('SIGTERM')
    return { status, stderr: (await program.result).stderr }
  }

  test('built by webpack, the program runs where the package is left outside', async () => {
    expect(await statsOf({}, '--webpack')).toMatchObject({ status: 200 })
  })

  test('built by Turbopack without its line, load() names that line', async () => {
    const { status, stderr } = await statsOf({ WITHOUT_EXTERNAL: '1' })
    expect(status).toBe(500)
    expect(stderr).toMatch(/sluice is part of a bundle .*serverExternalPackages: \['sluice'\]/)
  })
})

const isHere = process.platform === 'linux' && process.arch === 'x64'

describe.runIf(isHere)('Bun 1.4.5', () => {
  const bun = () => path.join(installed(['@oven/bun-linux-x64@1.4.5']), bunInModules)
  const bunInModules = 'node_modules/@oven/bun-linux-x64/bin/bun'
  const out = (name: string) => path.join(home, 'out-bun', name)
  const model = () => path.join(home, 'node_modules/sluice/models/storyteller.gguf')
  afterAll(() => rmSync(out(''), { recursive: true, force: true }))

  /** What the bundle of bundled/bundled.mjs printed, run by that program or by itself. */
  async function run(flags: string[], name: string, runner?: string) {
    const entry = path.join(home, 'bundled/bundled.mjs')
    const args = ['build', ...flags, entry, '--outfile', out(name)]
    const built = await startProgram(bun(), args, { cwd: home }).result
    expect(built.code, built.stderr).toBe(0)
    const [command, ...rest] = runner === undefined ? [out(name)] : [runner, out(name)]
    return startProgram(command ?? '', [...rest, model()], { cwd: home }).result
  }

  test('bundles for Node and for itself, with the package outside', async () => {
    const external = ['--external', 'sluice']
    const node = await run(['--target=node', ...external], 'node.mjs', process.execPath)
    expect(node).toEqual({ code: 0, stdout: 'read true\n', stderr: '' })
    const own = await run(['--target=bun', ...external], 'bun.mjs', bun())
    expect(own).toEqual({ code: 0, stdout: 'read true\n', stderr: '' })
  })

  test('with the package inside, load() names the line that leaves it outside', async () => {
    const { stdout } = await run(['--target=bun'], 'inside.mjs', bun())
    expect(stdout).toMatch(/ERR_BINARY_MISSING sluice is part of a bundle .* in Bun\.build\(\)/)
  })

  test('makes one executable file, in which load() says what to ship', async () => {
    const { stdout } = await run(['--compile'], 'one')
    expect(stdout).toMatch(/ERR_BINARY_MISSING sluice is part of one executable file/)
    expect(stdout).toContain('ship a script and its node_modules')
  })
})
