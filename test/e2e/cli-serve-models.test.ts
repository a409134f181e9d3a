import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { killAfterEach, type RunningCli, runCli, startCli } from '../support/cli.js'
import { eventually } from '../support/eventually.js'
import { textFileAsModel } from '../support/models/broken-gguf.js'
import { encoderModel } from '../support/models/encoder-model.js'
import { scriptModel } from '../support/models/script-model.js'

// `sluice serve` of several models, as docs/several-models.md shows it.

const reply = 'It was a fox.'
const folder = mkdtempSync(join(tmpdir(), 'sluice-cli-models-'))
const page = readFileSync(new URL('../../docs/several-models.md', import.meta.url), 'utf8')
const chatFile = join(folder, 'chat.gguf')
const vectorsFile = join(folder, 'vectors.gguf')

beforeAll(() => {
  copyFileSync(scriptModel({ reply }), chatFile)
  copyFileSync(encoderModel(), vectorsFile)
})
afterAll(() => rmSync(folder, { recursive: true }))
killAfterEach()

async function up(args: string[], env: Record<string, string> = {}) {
  const cli = startCli(['serve', '--port', '0', '--gpu', 'off', ...args], { env })
  const [, url = ''] = await cli.said(/^Listening on (http:\S+?)\. Try:$/m)
  return { cli, url }
}

async function states(url: string): Promise<string> {
  const { data } = (await (await fetch(`${url}/v1/models`)).json()) as {
    data: { id: string; state: string }[]
  }
  return data.map(({ id, state }) => `${id} ${state}`).join(', ')
}

async function asked(url: string, model: string): Promise<unknown> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'What was it?' }] }),
  })
  return [response.status, await response.json()]
}

const said = (model: string) => [200, { model, choices: [{ message: { content: reply } }] }]

async function ended(cli: RunningCli) {
  cli.child.kill('SIGTERM')
  return cli.result
}

/** The arguments of the page's command, its files as they are here. */
function argumentsOfPage(): string[] {
  const [, line = ''] = /^npx sluice serve (.*)$/m.exec(page) ?? []
  return line.replaceAll(/=(\w+\.gguf)/g, `=${folder}/$1`).split(' ')
}

test('the command of the page serves both models, and its log tells of loads', async () => {
  const { cli, url } = await up(argumentsOfPage())
  expect(cli.stdout).toMatch(/^Sluice \S+ serves chat, vectors, each loaded when it is asked for$/m)
  expect(cli.stdout).toContain('  default chat, memory-mib 4096 for all, idle-unload after 600 s\n')
  expect(await states(url)).toBe('chat unloaded, default unloaded, vectors unloaded')
  expect(await asked(url, 'chat')).toMatchObject(said('chat'))
  expect(await states(url)).toBe('chat loaded, default loaded, vectors unloaded')
  const { code, stderr } = await ended(cli)
  expect(code).toBe(0)
  expect(stderr).toMatch(/^sluice: loaded chat in \d+ ms, \d+ MiB$/m)
  expect(stderr).toMatch(/^sluice: unloaded chat \(closed\)$/m)
})

test('the config file of the page is served, from its own folder', async () => {
  const [, text = ''] = /```json\n([\s\S]*?)```/.exec(page) ?? []
  const config = join(folder, 'page.json')
  writeFileSync(config, text.replace('"kvType": "q8_0", ', '')) // not of so small heads
  const { cli, url } = await up(['--config', config, '--log-format', 'json'])
  const response = await fetch(`${url}/v1/embeddings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'text-embedding-3-small', input: 'a fox' }),
  })
  expect(response.status).toBe(200)
  expect(await asked(url, 'default')).toMatchObject(said('default'))
  const { code, stderr } = await ended(cli)
  expect(code).toBe(0)
  const lines = stderr.split('\n').filter((line) => line.startsWith('{'))
  const told = lines.map((line) => JSON.parse(line) as { msg: string; model?: string })
  const loaded = told.filter(({ msg }) => msg === 'loaded').map(({ model }) => model)
  expect(loaded.sort()).toEqual(['chat', 'vectors'])
})

test('a file alone with --idle-unload is loaded at the start, and unloaded when idle', async () => {
  const { cli, url } = await up(['--model', chatFile, '--idle-unload', '1'])
  await eventually(() => cli.stdout.includes('idle-unload after 1 s'))
  await eventually(
    () => /^sluice: unloaded chat \(idle\)$/m.test(cli.stderr),
    () => `only: ${cli.stderr}`,
  )
  expect(cli.stderr).toMatch(/^sluice: loaded chat in /m)
  expect(await states(url)).toBe('chat unloaded, default unloaded')
  expect(await asked(url, 'default')).toMatchObject(said('default'))
  expect((await ended(cli)).code).toBe(0)
})

test('models of the environment have names too, with commas between them', async () => {
  const models = `a=${chatFile},b=${vectorsFile}`
  const { cli, url } = await up([], { SLUICE_MODEL: models })
  expect(await states(url)).toBe('a unloaded, default unloaded, b unloaded')
  expect((await ended(cli)).code).toBe(0)
})

test('a model that cannot be loaded keeps no other from being served', async () => {
  const args = ['--model', `chat=${chatFile}`, '--model', `bad=${textFileAsModel()}`]
  const { cli, url } = await up(args)
  expect(await asked(url, 'bad')).toMatchObject([500, { error: { code: 'model_unusable' } }])
  expect(await asked(url, 'chat')).toMatchObject(said('chat'))
  expect(await states(url)).toBe('chat loaded, default loaded, bad failed')
  const { code, stderr } = await ended(cli)
  expect(code).toBe(0)
  expect(stderr).toMatch(/^sluice: bad failed: .*ERR_MODEL_INVALID.*; requests get that for 1 s$/m)
})

describe('wrong models of serve', () => {
  const config = join(folder, 'wrong.json')
  writeFileSync(config, JSON.stringify({ models: { a: { file: 'a.gguf', contxt: 1 } } }))

  test.each([
    [['--model', `a=${chatFile}`, '--model', `a=${vectorsFile}`], /--model.*'a' twice/],
    [['--model', '=a.gguf'], /--model.*NAME=FILE/],
    [['--config', config], /--config.*contxt/],
    [['--config', join(folder, 'none.json')], /--config.*none\.json/],
    [['--memory-mib', '0'], /--memory-mib/],
  ])('are refused at the start: %j', async (args, message) => {
    const { code, stderr } = await runCli(['serve', '--port', '0', ...args])
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })
})
