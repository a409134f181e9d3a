import { spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { killAfterEach, runCli, startCli } from '../support/cli.js'
import { textFileAsModel, truncatedGguf } from '../support/models/broken-gguf.js'
import { randomModel } from '../support/models/random-model.js'
import { scriptModel } from '../support/models/script-model.js'

const reply = 'Es war einmal ein Fuchs 🦊, der sagte: 日本語！'
const talker = scriptModel({ reply })
const endless = scriptModel({ reply: 'on and on it goes, ', repeat: true, context: 2 ** 17 })
/** Of minutes, so that a signal comes within it however late. */
const endlessly = ['run', 'x', '--model', endless, '--context', `${2 ** 17}`]
const oneLine = /^sluice: [^\n]+\n$/

killAfterEach()

describe('sluice run', () => {
  test('prints the reply and nothing else, and exits with 0', async () => {
    const result = await runCli(['run', 'Tell me a story', '--model', talker])
    expect(result).toEqual({ stdout: reply, stderr: '', code: 0 })
  })

  test.each([[['run', '-']], [['run']]])('%j reads the prompt from stdin', async (args) => {
    const result = await runCli([...args, '--model', talker], { input: 'Tell me a story\n' })
    expect(result).toEqual({ stdout: reply, stderr: '', code: 0 })
  })

  test('takes each setting from the environment, where no flag says otherwise', async () => {
    const env = { SLUICE_MODEL: endless, SLUICE_MAX_TOKENS: '4' }
    const four = await runCli(['run', 'x'], { env })
    const eight = await runCli(['run', 'x', '--max-tokens', '8'], { env })
    expect(four).toMatchObject({ code: 0, stderr: expect.stringContaining('cut at 4 tokens') })
    expect(eight.stdout.startsWith(four.stdout)).toBe(true)
    expect(eight.stdout.length).toBeGreaterThan(four.stdout.length)
  })

  test('a seed makes a reply repeatable, another seed gives another reply', async () => {
    const model = randomModel()
    const say = async (seed: string) =>
      (await runCli(['run', 'x', '--model', model, '--seed', seed, '--max-tokens', '30'])).stdout
    const [first, again, other] = [await say('1'), await say('1'), await say('2')]
    expect(first).toBe(again)
    expect(first).not.toBe(other)
  })

  test('goes on with the text where the model has no chat template', async () => {
    const model = randomModel({ chatTemplate: null })
    const result = await runCli(['run', 'x', '--model', model, '--max-tokens', '5'])
    expect(result).toMatchObject({ code: 0, stderr: expect.stringContaining('cut at 5 tokens') })
    expect(result.stdout).not.toBe('')
  })

  test('tells a story about a fox out of the box, which ends by itself', async () => {
    const args = ['run', 'Tell me a story about a fox', '--temperature', '0']
    const { code, stdout, stderr } = await runCli(args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/\bfox\b/i)
    expect(stdout.trim()).toMatch(/[.!?"]$/)
  })
})

describe('sluice run, interrupted', () => {
  test('Ctrl-C ends an endless reply in the middle, with 130 and a clean stdout', async () => {
    const cli = startCli(endlessly)
    await cli.said(/on and on it goes, on and/)
    cli.child.kill('SIGINT')
    const { stdout, stderr, code } = await cli.result
    expect({ code, stderr }).toEqual({
      code: 130,
      stderr: 'sluice: the reply was cut by SIGINT\n',
    })
    expect('on and on it goes, '.repeat(stdout.length).startsWith(stdout)).toBe(true)
  })

  test('SIGTERM ends it with 143', async () => {
    const cli = startCli(endlessly)
    await cli.said(/on and on/)
    cli.child.kill('SIGTERM')
    expect(await cli.result).toMatchObject({
      code: 143,
      stderr: 'sluice: the reply was cut by SIGTERM\n',
    })
  })

  test('a reader that closes the pipe ends it quietly', async () => {
    const cli = startCli(endlessly)
    await cli.said(/on and on/)
    cli.child.stdout?.destroy()
    expect(await cli.result).toMatchObject({ code: 0, stderr: '' })
  })

  test('a shell pipeline into head gives its bytes and ends', async () => {
    const { stdout, stderr } = await shell(
      `"$NODE" dist/cli/main.cjs run x --model "$MODEL" | head -c 19`,
    )
    expect({ stdout, stderr }).toEqual({ stdout: 'on and on it goes, ', stderr: '' })
  })
})

describe('sluice run, refused', () => {
  test.each([
    ['a missing model', () => 'no/such/model.gguf', 'ERR_MODEL_NOT_FOUND'],
    ['a folder', () => '.', 'ERR_MODEL_NOT_FOUND'],
    ['a text file', textFileAsModel, 'ERR_MODEL_INVALID'],
    ['a truncated model', () => truncatedGguf(talker, statSync(talker).size - 1), 'INVALID'],
    ['a model cut in its header', () => truncatedGguf(talker, 300), 'ERR_MODEL_INVALID'],
  ])('%s is one line with its code, and exit 1', async (_, model, code) => {
    const path = model()
    const result = await runCli(['run', 'x', '--model', path])
    expect(result).toMatchObject({ code: 1, stdout: '' })
    expect(result.stderr).toMatch(oneLine)
    expect(result.stderr).toContain(code)
    expect(result.stderr).toContain(path)
  })

  test('a prompt beyond the context is told with both numbers', async () => {
    const args = ['run', 'word '.repeat(400), '--model', talker, '--context', '256']
    const { code, stdout, stderr } = await runCli(args)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(oneLine)
    expect(stderr).toContain('ERR_CONTEXT_LENGTH')
    expect(stderr).toContain('256')
  })

  test.each([
    [['--temperature', 'hot'], {}, '--temperature'],
    [['--parallel', '0'], {}, '--parallel'],
    [['--context', '1.5'], {}, '--context'],
    [[], { SLUICE_SEED: 'x' }, 'SLUICE_SEED'],
  ])('a wrong value is named by its flag or variable, with exit 2: %j %j', async (...given) => {
    const [args, env, name] = given
    const result = await runCli(['run', 'x', '--model', talker, ...args], { env })
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toMatch(oneLine)
    expect(result.stderr).toContain(name)
  })

  test.each([[['run', 'x', '--nonsense']], [['dance']], [['run', 'a', 'b']], [[]]])(
    '%j is a usage error: exit 2, and nothing on stdout',
    async (args) => {
      const result = await runCli(args)
      expect(result).toMatchObject({ code: 2, stdout: '' })
      expect(result.stderr).not.toBe('')
    },
  )

  test('an empty prompt is a usage error', async () => {
    const result = await runCli(['run', '--model', talker], { input: ' \n' })
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toContain('stdin was empty')
  })

  test('the stack is shown only on request', async () => {
    const args = ['run', 'x', '--model', 'no/such/model.gguf']
    const { stderr } = await runCli(args, { env: { SLUICE_DEBUG: '1' } })
    expect(stderr).toMatch(/\n +at /)
  })
})

describe('sluice', () => {
  test('--version is the package’s', async () => {
    const result = await runCli(['--version'])
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(result.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  test.each([
    [['--help'], ['run', 'serve', 'build']],
    [
      ['run', '--help'],
      ['--model <FILE>', '--max-tokens <N>', 'SLUICE_'],
    ],
    [
      ['serve', '--help'],
      ['--port <N>', '8080', '--api-key-file', '--allow-unauthenticated'],
    ],
    [
      ['build', '--help'],
      ['--cuda', '--vulkan', '--metal', '--cpu'],
    ],
  ])('%j goes to stdout, with what there is', async (args, words) => {
    const result = await runCli(args)
    expect(result).toMatchObject({ code: 0, stderr: '' })
    for (const word of words) expect(result.stdout).toContain(word)
  })
})

function shell(command: string): Promise<{ stdout: string; stderr: string }> {
  const env = { ...process.env, NODE: process.execPath, MODEL: endless }
  const child = spawn('sh', ['-c', command], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (part) => {
    said.stdout += part
  })
  child.stderr.on('data', (part) => {
    said.stderr += part
  })
  return new Promise((resolve) => child.on('close', () => resolve(said)))
}
