import { spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chatFlags, doctorFlags, runFlags, serveFlags } from '../../src/options/command-flags.js'
import { flagName } from '../../src/options/flags.js'
import { runCli } from '../support/cli.js'
import { randomModel } from '../support/models/random-model.js'

// Every command that docs/cli.md and the help show is run as it stands, by a shell.

const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8')
const main = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'sluice-examples-'))

beforeAll(() => {
  copyFileSync(randomModel(), join(folder, 'model.gguf'))
  writeFileSync(join(folder, 'notes.txt'), 'Ada wrote the first program.\n')
  writeFileSync(join(folder, 'other.txt'), 'Grace wrote a compiler.\n')
  const who = { type: 'object', properties: { name: { enum: ['Ada'] } }, required: ['name'] }
  writeFileSync(join(folder, 'who.json'), JSON.stringify(who))
  writeFileSync(join(folder, 'keys.txt'), '# of the examples\nkey-1\n')
  const line = `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`
  writeFileSync(join(folder, 'sluice'), line, { mode: 0o755 })
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Runs a line; a server is asked to end once it is ready. Ports are picked. */
async function shell(line: string) {
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith('SLUICE_'))
  const path = `${folder}${delimiter}${process.env.PATH}`
  const own = { PATH: path, NO_COLOR: '1', SLUICE_PORT: '0', SLUICE_TEMPERATURE: '0' }
  const env = { ...Object.fromEntries(clean), ...own }
  const serves = line.includes('sluice serve')
  const child = spawn('sh', ['-c', serves ? `exec ${line}` : line], {
    ...{ cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] },
  })
  const said = { stdout: '', stderr: '' }
  const isReady = () => /^curl /m.test(said.stdout)
  child.stdout?.on('data', (part) => {
    const wasReady = isReady()
    said.stdout += part
    if (serves && isReady() && !wasReady) child.kill('SIGTERM') // once: a second one cuts it off
  })
  child.stderr?.on('data', (part) => {
    said.stderr += part
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  return { ...said, code }
}

async function works(line: string): Promise<void> {
  const { stdout, stderr, code } = await shell(line)
  const told = stderr.replace(/^sluice: the reply was cut .*\n/, '').replace(/^\{.*\}\n/gm, '')
  expect({ code, told }).toEqual({ code: 0, told: '' })
  expect(stdout).not.toBe('')
  if (line.includes('--json') || line.includes('--schema')) JSON.parse(stdout)
}

describe.skipIf(process.platform === 'win32')('an example', () => {
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, text]) => `${text}`)
  // `npx` would look for a project with the package; the shell's `sluice` is the one under test.
  const lines = blocks.flatMap((text) =>
    text.trimEnd().replaceAll('npx sluice', 'sluice').split('\n'),
  )

  test('of docs/cli.md is there for run, serve and doctor', () => {
    for (const command of ['run', 'serve', 'doctor']) {
      expect(lines.filter((line) => line.includes(`sluice ${command}`)).length).toBeGreaterThan(2)
    }
  })

  test.each(lines)('of docs/cli.md works: %s', works)

  test.each(['run', 'serve', 'doctor'])('of the help of %s works', async (command) => {
    const { stdout } = await runCli([command, '--help'])
    const shown = `${stdout.split('\nExamples:\n')[1]}`.match(/^ {2}.+$/gm) ?? []
    expect(shown.length).toBeGreaterThan(1)
    for (const line of shown) await works(line.trim())
  })
})

describe('the help', () => {
  const tables = { run: runFlags, chat: chatFlags, serve: serveFlags, doctor: doctorFlags }
  const argumentOf = { run: ' [prompt]', chat: ' [model]', serve: '', doctor: ' [model]' }

  test.each(Object.keys(tables))('of %s has every flag in a group, in 80 columns', async (name) => {
    const { stdout } = await runCli([name, '--help'])
    const shown = [...stdout.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, flag]) => flag)
    const flags = Object.keys(tables[name as keyof typeof tables]).map(flagName)
    expect(shown.toSorted()).toEqual(flags.toSorted())
    expect(stdout).not.toMatch(/^Options:/m)
    const head = stdout.split('\n\nExamples:')[0] ?? ''
    expect(head.split('\n').filter((line) => line.length > 80)).toEqual([])
    expect(stdout.match(/^Usage: .*/)?.[0]).toBe(
      `Usage: sluice ${name} [options]${argumentOf[name as keyof typeof tables]}`,
    )
  })
})

test('docs/cli.md names no flag that is none', () => {
  const flags = { ...runFlags, ...chatFlags, ...serveFlags, ...doctorFlags }
  const known = new Set(Object.keys(flags).map(flagName))
  const others = ['--help', '--cpu', '--cuda', '--vulkan', '--metal']
  const named = [...page.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([flag]) => flag)
  expect(named.filter((flag) => !known.has(flag) && !others.includes(flag))).toEqual([])
})
