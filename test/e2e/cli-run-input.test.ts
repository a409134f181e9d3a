import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { promptOf } from '../../src/cli/run/prompt.js'
import { type Engine, load } from '../../src/index.js'
import { type CliOptions, killAfterEach, runCli } from '../support/cli.js'
import { randomModel } from '../support/models/random-model.js'
import { scriptModel } from '../support/models/script-model.js'

// What `sluice run` takes beside its prompt, and what it tells beside the reply.

const reply = 'Es war einmal ein Fuchs.'
const talker = scriptModel({ reply })
const endless = scriptModel({ reply: 'on and on it goes, ', repeat: true })
const main = fileURLToPath(new URL('../../dist/cli/main.cjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'sluice-run-'))
const noteFile = join(folder, 'notes.txt')
const notes = 'Milk, bread and 日本語.\n'
let engine: Engine

beforeAll(async () => {
  writeFileSync(noteFile, notes)
  engine = await load({ model: talker })
})
afterAll(async () => {
  await engine.close()
  rmSync(folder, { recursive: true })
})
killAfterEach()

interface Result {
  text: string
  finishReason: string
  usage: { promptTokens: number; completionTokens: number }
  object?: unknown
}

/** `sluice run --json`, whose result tells how long the prompt was. */
async function run(args: string[], options?: CliOptions): Promise<Result> {
  const { code, stdout, stderr } = await runCli(['run', '--model', talker, '--json', ...args], {
    ...options,
  })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^\{.*\}\n$/)
  return JSON.parse(stdout)
}

const countOf = (content: string, system?: string) =>
  engine.countTokens([
    ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
    { role: 'user' as const, content },
  ])

describe('sluice run, of a prompt and more', () => {
  test('takes text on stdin beside the prompt', async () => {
    const { usage } = await run(['Sum up'], { input: notes })
    const prompt = promptOf({ files: [], piped: notes, prompt: 'Sum up' })
    expect(usage.promptTokens).toBe(await countOf(prompt))
  })

  test('takes files, a prompt and stdin together, in this order', async () => {
    const args = ['--file', noteFile, '--file', noteFile, 'Sum up']
    const { usage } = await run(args, { input: 'piped' })
    const file = { name: noteFile, text: notes }
    const prompt = promptOf({ files: [file, file], piped: 'piped', prompt: 'Sum up' })
    expect(usage.promptTokens).toBe(await countOf(prompt))
  })

  test('takes a file alone for the prompt', async () => {
    const { usage } = await run(['--file', noteFile])
    const prompt = promptOf({ files: [{ name: noteFile, text: notes }], piped: '', prompt: '' })
    expect(usage.promptTokens).toBe(await countOf(prompt))
  })

  test.each([
    [['--system', notes], {}],
    [['--system-file', noteFile], {}],
    [[], { SLUICE_SYSTEM: notes }],
  ])('takes a system prompt: %j %j', async (args, env) => {
    const { usage } = await run(['Sum up', ...args], { env })
    expect(usage.promptTokens).toBe(await countOf('Sum up', notes))
  })

  test.runIf(process.platform !== 'win32')('reads a file that is a pipe', () => {
    const line = `"$NODE" "$MAIN" run --model "$MODEL" --json Hi --file /dev/fd/3 3<<X\n${notes}X\n`
    const env = { ...process.env, NODE: process.execPath, MAIN: main, MODEL: talker }
    const { stdout } = spawnSync('sh', ['-c', line], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    expect(JSON.parse(`${stdout}`).finishReason).toBe('stop')
  })
})

describe.skipIf(process.platform === 'win32')('sluice run, whose stdin stays open', () => {
  test('goes on with its prompt where a program left it open, and says so', async () => {
    const child = spawn(process.execPath, [main, 'run', 'x', '--model', talker])
    const said = { stdout: '', stderr: '' }
    child.stdout.on('data', (part) => (said.stdout += part))
    child.stderr.on('data', (part) => (said.stderr += part))
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect({ ...said, code }).toEqual({
      stdout: reply,
      stderr:
        'sluice: nothing came on standard input within 3 s; it goes on with the prompt alone\n',
      code: 0,
    })
  })

  test('waits for a slow command before it in a pipeline, and says so', async () => {
    const said = join(folder, 'said.txt')
    const slow = '(while ! grep -q waiting "$SAID"; do sleep 0.2; done; echo slow)'
    const line = `: > "$SAID"; ${slow} | "$NODE" "$MAIN" run --model "$MODEL" --json x 2> "$SAID"`
    const env = { ...process.env, NODE: process.execPath, MAIN: main, MODEL: talker, SAID: said }
    const { stdout } = spawnSync('sh', ['-c', line], { env, encoding: 'utf8', timeout: 200_000 })
    const { usage } = JSON.parse(stdout) as Result
    expect(usage.promptTokens).toBe((await run(['slow\n\nx'])).usage.promptTokens)
    expect(readFileSync(said, 'utf8')).toBe(
      'sluice: waiting for standard input; with < /dev/null it has none\n',
    )
  })
})

describe('sluice run --json', () => {
  test('prints one line, with all of the result', async () => {
    const { text, finishReason, ...rest } = await run(['x'])
    expect({ text, finishReason }).toEqual({ text: reply, finishReason: 'stop' })
    expect(rest).toMatchObject({
      model: expect.stringMatching(/^script-/),
      seed: expect.any(Number),
      usage: { completionTokens: expect.any(Number) },
      timings: { prefillMs: expect.any(Number) },
    })
    expect(rest).not.toHaveProperty('object')
    expect(rest).not.toHaveProperty('choices')
  })
})

describe('sluice run --schema', () => {
  const schema = { type: 'object', properties: { fox: { enum: ['red', 'brown'] } } }
  const closed = { ...schema, required: ['fox'], additionalProperties: false }
  const file = join(folder, 'schema.json')
  writeFileSync(file, JSON.stringify(closed))

  test.each([
    ['JSON', JSON.stringify(closed)],
    ['a file', file],
  ])('as %s has the reply parse and keep to it', async (_, given) => {
    const args = ['run', 'x', '--model', randomModel(), '--schema', given]
    const plain = await runCli(args)
    expect(plain).toMatchObject({ code: 0, stderr: '' })
    expect(['red', 'brown']).toContain(JSON.parse(plain.stdout).fox)
    const { stdout } = await runCli([...args, '--json'])
    expect(['red', 'brown']).toContain(JSON.parse(stdout).object.fox)
  })

  test('with a reply that is cut says so, and exits with 1', async () => {
    const args = ['run', 'x', '--model', randomModel(), '--max-tokens', '2', '--json']
    const { code, stdout, stderr } = await runCli([...args, '--schema', file])
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr:
        'sluice: the reply was cut at 2 tokens; a larger --max-tokens gives more; ' +
        'it does not keep to --schema\n',
    })
    expect(JSON.parse(stdout)).toMatchObject({ finishReason: 'length' })
    expect(JSON.parse(stdout)).not.toHaveProperty('object')
  })
})

describe('sluice run, when its reply is cut', () => {
  test('at --max-tokens tells the number on stderr, and exits with 0', async () => {
    const result = await runCli(['run', 'x', '--model', endless, '--max-tokens', '4'])
    expect(result.code).toBe(0)
    expect(result.stderr).toBe(
      'sluice: the reply was cut at 4 tokens; a larger --max-tokens gives more\n',
    )
  })

  test('by a full context tells the numbers on stderr, and exits with 0', async () => {
    const args = ['run', 'x', '--model', endless, '--context', '256', '--json']
    const { code, stdout, stderr } = await runCli(args)
    const { usage, finishReason } = JSON.parse(stdout) as Result
    expect({ code, finishReason }).toEqual({ code: 0, finishReason: 'length' })
    expect(stderr).toBe(
      'sluice: the reply was cut where the context of 256 tokens was full ' +
        `(prompt ${usage.promptTokens}, reply ${usage.completionTokens}); ` +
        '--context gives more, up to 16384\n',
    )
  })
})

describe('sluice run, refused', () => {
  const image = join(folder, 'image.png')
  const large = join(folder, 'large.txt')
  const oneFolder = join(folder, 'folder')
  writeFileSync(image, Buffer.from('89504e470d0a1a0a0000000d', 'hex'))
  writeFileSync(large, Buffer.alloc(32 * 2 ** 20 + 1, 'a'))
  mkdirSync(oneFolder)

  test.each([
    [['--file', 'no/such.txt'], "'--file'", 'no/such.txt (ENOENT'],
    [['--file', oneFolder], "'--file'", 'folder (EISDIR'],
    [['--file', image], "'--file'", 'image.png, which is no text'],
    [['--file', large], "'--file'", 'at most 32 MiB'],
    [['--file', ''], "'--file'", 'the path of a file'],
    [['--system-file', 'no/such.txt'], "'--system-file'", 'ENOENT'],
    [['--system', 'a', '--system-file', noteFile], "'--system-file'", 'both'],
    [['--schema', 'no/such.json'], "'--schema'", 'ENOENT'],
    [['--schema', noteFile], "'--schema'", 'no JSON'],
    [['--schema', '{"type":'], "'--schema'", 'no JSON'],
    [['--schema', '{"type":"stringy"}'], "'--schema.type'", 'stringy'],
    [['--schema', '{"pattern":"(a)\\\\1"}'], "'--schema.pattern'", '(a)'],
  ])('%j is one line on stderr, exit 2', async (args, name, words) => {
    const { code, stdout, stderr } = await runCli(['run', 'x', '--model', talker, ...args])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^sluice: [^\n]+\n$/)
    expect(stderr).toContain(name)
    expect(stderr).toContain(words)
  })

  test('stdin that is no text is one line on stderr, exit 2', async () => {
    const line = `"$NODE" "$MAIN" run x < "$IMAGE"`
    const env = { ...process.env, NODE: process.execPath, MAIN: main, IMAGE: image }
    const { status, stderr } = spawnSync('sh', ['-c', line], { env, encoding: 'utf8' })
    expect(status).toBe(2)
    expect(stderr).toMatch(/^sluice: 'prompt': [^\n]+standard input, which is no text[^\n]+\n$/)
  })

  test('a system prompt wants a model with a chat template', async () => {
    const model = randomModel({ chatTemplate: null })
    const result = await runCli(['run', 'x', '--model', model, '--system', 'Be kind'])
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toMatch(/^sluice: '--system': [^\n]+chat template[^\n]+\n$/)
  })

  test.runIf(process.platform === 'linux')('a terminal without a prompt is a usage error', () => {
    const line = `'${process.execPath}' '${main}' run`
    const { stdout, status } = spawnSync('script', ['-qec', line, '/dev/null'], {
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    expect(stdout).toMatch(/'prompt': expected a prompt, as in: .* but there was none\./)
    expect(status).toBe(2)
  })
})
