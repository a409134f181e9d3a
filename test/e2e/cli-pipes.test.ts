import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.js'
import { scriptModel } from '../support/models/script-model.js'

// A pipe whose reader has left: `sluice serve --help | head -1`. See docs/cli.md.

const main = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))
const endless = scriptModel({ reply: 'on and on it goes, ', repeat: true })
const children = new Set<ChildProcess>()

afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
})

/** A `sluice` with pipes for all three. */
function start(args: string[], env: Record<string, string> = {}) {
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith('SLUICE_'))
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...Object.fromEntries(clean), NO_COLOR: '1', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  children.add(child)
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  return { child, ended }
}

describe('a reader of stdout that has left before the first word', () => {
  test.each([
    [['--version']],
    [['--help']],
    [['run', '--help']],
    [['serve', '--help']],
    [['doctor', '--help']],
    [['build', '--help']],
    [['doctor']],
    [['doctor', '--json']],
    [['run', 'x', '--model', endless]],
  ])('lets %j end quietly, with 0', async (args) => {
    const { child, ended } = start(args)
    child.stdin.end()
    child.stdout.destroy()
    const said = await text(child.stderr)
    expect({ ...(await ended), said }).toEqual({ code: 0, signal: null, said: '' })
  })
})

describe('a reader of stderr that has left', () => {
  test.each([
    [['run', 'x', '--nonsense'], 2],
    [['run', 'x', '--temperature', 'hot'], 2],
    [['run', 'x', '--model', 'no/such.gguf'], 1],
    [['serve', '--model', 'no/such.gguf', '--port', '0'], 1],
    [['doctor', '--context', '1'], 2],
    [[], 2],
  ])('changes no exit code: %j', async (args, code) => {
    const { child, ended } = start(args)
    child.stdin.end()
    child.stderr.destroy()
    child.stdout.resume()
    expect(await ended).toEqual({ code, signal: null })
  })

  test('changes no exit code of an error that is shown with its stack', async () => {
    const { child, ended } = start(['run', 'x', '--model', 'no/such'], { SLUICE_DEBUG: '1' })
    child.stdin.end()
    child.stderr.destroy()
    child.stdout.resume()
    expect(await ended).toEqual({ code: 1, signal: null })
  })

  test('takes nothing from a reply on its way to stdout', async () => {
    const { child, ended } = start(['run', 'x', '--model', endless, '--max-tokens', '200'])
    child.stdin.end()
    child.stderr.destroy()
    const said = await text(child.stdout)
    expect(said).toMatch(/^(on and on it goes, )+/)
    expect(await ended).toEqual({ code: 0, signal: null })
  })
})

test('both readers may leave while a reply streams', async () => {
  const { child, ended } = start(['run', 'x', '--model', endless])
  child.stdin.end()
  await once(child.stdout, 'data')
  child.stdout.destroy()
  child.stderr.destroy()
  expect(await ended).toEqual({ code: 0, signal: null })
})

test.runIf(process.platform === 'linux')('a full disk is an error that is reported', async () => {
  const command = '"$NODE" "$MAIN" --version > /dev/full'
  const env = { ...process.env, NODE: process.execPath, MAIN: main }
  const child = spawn('sh', ['-c', command], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(child, 'close')
  expect(await text(child.stderr)).toMatch(/^sluice: ENOSPC[^\n]+\n$/)
  expect((await ended)[0]).toBe(1)
})

describe('sluice serve', () => {
  async function up(args: string[] = []) {
    const served = start(['serve', '--model', endless, '--port', '0', ...args])
    let said = ''
    served.child.stdout.setEncoding('utf8').on('data', (part) => {
      said += part
    })
    const found = () => /Listening on (http:\S+)\. Try:/.exec(said)?.[1]
    await eventually(() => found() !== undefined, 'it never listened')
    return { ...served, url: `${found()}` }
  }

  const ask = (url: string) =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'default',
        messages: [{ role: 'user', content: 'x' }],
        max_tokens: 20,
      }),
    })

  test.each([
    ['text', []],
    ['JSON', ['--log-format', 'json', '--log-level', 'debug']],
  ])('goes on without its log of %s, and still ends well', async (_, args) => {
    const { child, ended, url } = await up(args)
    child.stderr.destroy()
    for (let i = 0; i < 3; i++) expect((await ask(url)).status).toBe(200)
    expect((await fetch(`${url}/nowhere`)).status).toBe(404)
    child.kill('SIGTERM')
    expect(await ended).toEqual({ code: 0, signal: null })
  })

  test('goes on without readers of stdin and stdout', async () => {
    const { child, ended, url } = await up()
    child.stdin.destroy()
    child.stdout.destroy()
    expect((await ask(url)).status).toBe(200)
    child.kill('SIGTERM')
    expect(await ended).toEqual({ code: 0, signal: null })
  })
})

describe('stdin', () => {
  test('that ends early is a prompt as far as it came', async () => {
    const { child, ended } = start(['run', '-', '--model', endless, '--max-tokens', '5'])
    child.stdin.write('Tell me')
    child.stdin.destroy()
    expect(await text(child.stdout)).not.toBe('')
    expect(await ended).toEqual({ code: 0, signal: null })
  })

  test('that is closed from the start is an empty one', async () => {
    const { child, ended } = start(['run', '-', '--model', endless])
    child.stdin.destroy()
    expect(await text(child.stderr)).toMatch(/^sluice: [^\n]+stdin was empty[^\n]+\n$/)
    expect(await ended).toEqual({ code: 2, signal: null })
  })
})
