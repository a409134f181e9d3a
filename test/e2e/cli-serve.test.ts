import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { killAfterEach, type RunningCli, runCli, startCli } from '../support/cli.js'
import { failingAddon } from '../support/failing-addon.js'
import { textFileAsModel } from '../support/models/broken-gguf.js'
import { encoderModel } from '../support/models/encoder-model.js'
import { randomModel } from '../support/models/random-model.js'
import { scriptModel } from '../support/models/script-model.js'

const reply = 'Es war einmal ein Fuchs 🦊, der sagte: 日本語！'
const talker = scriptModel({ reply })
const endless = scriptModel({ reply: 'on and on it goes, ', repeat: true })
const folder = mkdtempSync(join(tmpdir(), 'sluice-serve-'))
const keyFile = join(folder, 'keys')
writeFileSync(keyFile, '# for tests\nkey-1\nkey-2\n')

/** Not in each container. */
const hasIpv6 = await new Promise<boolean>((resolve) => {
  const server = createServer().once('error', () => resolve(false))
  server.listen(0, '::', () => server.close(() => resolve(true)))
})

afterAll(() => rmSync(folder, { recursive: true }))
killAfterEach()

interface Up {
  cli: RunningCli
  url: string
  curl: string
}

async function up(args: string[], env: Record<string, string> = {}): Promise<Up> {
  const cli = startCli(['serve', '--port', '0', ...args], { env })
  const [, url = ''] = await cli.said(/^(?:Listening on| ) (http:\S+?)\.?(?: Try.*)?$/m)
  const [curl] = await cli.said(/^curl .+$/m)
  return { cli, url, curl }
}

function chat(url: string, body: object = {}, headers: Record<string, string> = {}) {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({
      model: 'default',
      messages: [{ role: 'user', content: 'Tell me a story' }],
      ...body,
    }),
  })
}

async function contentOf(response: Response): Promise<string> {
  const body = (await response.json()) as { choices: { message: { content: string } }[] }
  return body.choices[0]?.message.content ?? ''
}

/** The text of a stream's chunks. */
function streamed(frames: string): string {
  const chunks = [...frames.matchAll(/^data: (\{.*\})$/gm)].map((match) =>
    JSON.parse(`${match[1]}`),
  )
  return chunks.map((chunk) => chunk.choices?.[0]?.delta.content ?? '').join('')
}

function pasted(line: string, env: Record<string, string> = {}): string {
  const { stdout } = spawnSync('sh', ['-c', line], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  })
  return stdout
}

describe('sluice serve', () => {
  test('prints a curl line that streams the story when it is pasted', async () => {
    const { cli, curl } = await up(['--model', talker])
    await cli.said(/ serves \S+ \(llama \d+\.\d[MB] /)
    const frames = pasted(curl)
    expect(streamed(frames)).toBe(reply)
    expect(frames.endsWith('data: [DONE]\n\n')).toBe(true)
  })

  test('prints a line that takes its key from the file of keys', async () => {
    const { url, curl } = await up(['--model', talker, '--api-key-file', keyFile])
    expect(curl).not.toContain('key-1')
    expect(streamed(pasted(curl))).toBe(reply)
    expect((await chat(url)).status).toBe(401)
  })

  test('prints a line that takes its key from the variable where there is no file', async () => {
    const { cli, curl } = await up(['--model', talker], { SLUICE_API_KEY: 'key-2' })
    await cli.said(/Try, in a shell that has the same SLUICE_API_KEY:/)
    expect(streamed(pasted(curl, { SLUICE_API_KEY: 'key-2' }))).toBe(reply)
    expect(pasted(curl, { SLUICE_API_KEY: 'key-3' })).toContain('invalid_api_key')
  })

  test.each(hasIpv6 ? ['0.0.0.0', '::'] : ['0.0.0.0'])(
    'tells each address of %s, and each answers',
    async (host) => {
      const { cli, curl } = await up(['--model', talker, '--host', host, '--allow-unauthenticated'])
      const urls = [...cli.stdout.matchAll(/^ {2}(http:\S+)$/gm)].map(([, url]) => url)
      expect(urls[0]).toMatch(/^http:\/\/localhost:\d+$/)
      expect(urls).toContainEqual(expect.stringMatching(/^http:\/\/127\.0\.0\.1:/))
      for (const url of urls) expect((await chat(`${url}`)).status).toBe(200)
      expect(streamed(pasted(curl))).toBe(reply)
    },
  )

  test('takes SLUICE_API_KEY for a key, and neither prints nor logs it', async () => {
    const { cli, url } = await up(['--model', talker], { SLUICE_API_KEY: 'key-of-mine' })
    expect((await chat(url)).status).toBe(401)
    const headers = { authorization: 'Bearer key-of-mine' }
    expect((await chat(url, {}, headers)).status).toBe(200)
    cli.child.kill('SIGTERM')
    const { stdout, stderr } = await cli.result
    expect(stdout + stderr).not.toContain('key-of-mine')
  })

  test('answers to its aliases, from flags and from the environment', async () => {
    const fromFlags = await up(['--model', talker, '--alias', 'gemma-4-26b', '--alias', 'b'])
    expect((await chat(fromFlags.url, { model: 'gemma-4-26b' })).status).toBe(200)
    expect((await chat(fromFlags.url, { model: 'c' })).status).toBe(404)
    const fromEnvironment = await up([], { SLUICE_MODEL: talker, SLUICE_ALIAS: 'a,b' })
    expect((await chat(fromEnvironment.url, { model: 'b' })).status).toBe(200)
  })

  test('names its flags where a program would be told of its options', async () => {
    const { url } = await up(['--alias', 'fox'])
    const origin = { origin: 'https://app.example' }
    expect(await (await fetch(`${url}/v1/models`, { headers: origin })).text()).toContain(
      '(--allow-origin)',
    )
    expect(await (await fetch(`${url}/v1/models/hen`)).text()).toContain('(--any-model)')
  })

  test('takes its sampling flags for defaults that a request overrides', async () => {
    const { url } = await up(['--model', endless, '--max-tokens', '4'])
    const four = await contentOf(await chat(url))
    const eight = await contentOf(await chat(url, { max_tokens: 8 }))
    expect(four.length).toBeLessThan(eight.length)
    expect(eight.length).toBeLessThan(100)
  })

  test('logs a request in one line on stderr, without its prompt', async () => {
    const { cli, url } = await up(['--model', talker])
    await (await chat(url)).text()
    cli.child.kill('SIGTERM')
    const { stderr } = await cli.result
    expect(stderr).toMatch(
      /^\S+ POST \/v1\/chat\/completions 200 done \d+ ms \d+\+\d+ tokens \S+\n$/,
    )
    expect(stderr).not.toContain('story')
  })
})

describe('sluice serve, its log in JSON', () => {
  test('is a line an event, from its start to its end, without prompts and keys', async () => {
    const args = ['--model', talker, '--log-format', 'json', '--log-level', 'debug']
    const { cli, url } = await up(args, { SLUICE_API_KEY: 'key-of-mine' })
    const headers = { authorization: 'Bearer key-of-mine' }
    await (await chat(url, {}, headers)).text()
    await (await chat(url, { temperature: 'a story' }, headers)).text()
    await fetch(`${url}/health?story=1`)
    cli.child.kill('SIGTERM')
    const { stderr, code } = await cli.result
    expect(code).toBe(0)
    const lines = stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toMatchObject([
      { level: 'info', msg: 'ready', url },
      {
        level: 'info',
        msg: 'request',
        status: 200,
        outcome: 'done',
        completionTokens: expect.any(Number),
      },
      { level: 'warn', msg: 'request', status: 400, outcome: 'failed' },
      { level: 'debug', msg: 'request', route: '/health', status: 200 },
      { level: 'info', msg: 'draining', replies: 0 },
      { level: 'info', msg: 'stopped' },
    ])
    expect(stderr).not.toMatch(/story|key-of-mine/)
  })
})

describe('sluice serve, of an embedding model', () => {
  test('says what it is, and prints a curl line that embeds when it is pasted', async () => {
    const { cli, curl } = await up(['--model', encoderModel()])
    await cli.said(/ {2}embeds: vectors of 64, pooling mean, parallel 4, context 512 tokens each/)
    const { data, usage } = JSON.parse(pasted(curl))
    expect(data).toHaveLength(2)
    expect(data[1].embedding).toHaveLength(64)
    expect(usage.prompt_tokens).toBeGreaterThan(6)
  })

  test('follows --embeddings where a model has two uses, and names the one use', async () => {
    const both = ['--model', randomModel({ pooling: 3 }), '--embeddings', 'off']
    const { url } = await up([...both, '--max-tokens', '3'])
    expect((await chat(url)).status).toBe(200)
    const args = ['serve', '--port', '0', '--model', talker, '--embeddings', 'on']
    const result = await runCli(args)
    expect(result).toMatchObject({ code: 1, stdout: '' })
    expect(result.stderr).toMatch(/^sluice: [^\n]+no pooling type[^\n]+\(ERR_MODEL_INVALID\)\n$/)
  })
})

describe('sluice serve, told to stop', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'ends at %s with 0 where it is idle',
    async (signal) => {
      const { cli } = await up(['--model', talker])
      cli.child.kill(signal)
      expect(await cli.result).toMatchObject({ code: 0, stderr: '' })
    },
  )

  test('finishes a running reply, and then exits with 0', async () => {
    const { cli, url } = await up(['--model', endless, '--context', '1024'])
    const response = await chat(url, { stream: true, max_tokens: 900 })
    cli.child.kill('SIGTERM')
    const frames = await response.text()
    expect(frames).toContain('"finish_reason":"length"')
    expect(frames.endsWith('data: [DONE]\n\n')).toBe(true)
    expect((await cli.result).code).toBe(0)
  })

  test('ends a reply beyond the deadline with an error frame, and exits with 0', async () => {
    // A token takes a quarter of a second, so that what is on its way when it ends is small: the
    // server waits a second for a reader of that, who may be kept from it for longer.
    const slow = process.platform === 'linux' ? failingAddon('slow:0:5') : {}
    const args = ['--model', endless, '--drain-ms', '100', '--window', '8']
    const { cli, url } = await up(args, slow)
    const response = await chat(url, unreadable)
    cli.child.kill('SIGTERM')
    await refused(url)
    const frames = await response.text()
    expect(frames).toContain('"code":"shutting_down"')
    expect(frames).not.toContain('[DONE]')
    expect((await cli.result).code).toBe(0)
  })

  test('ends at once at a second signal, with the signal’s code', async () => {
    const { cli, url } = await up(['--model', endless])
    const response = await chat(url, unreadable)
    cli.child.kill('SIGTERM')
    await refused(url)
    cli.child.kill('SIGTERM')
    expect((await cli.result).code).toBe(143)
    await response.text().catch((error: Error) => expect(error.message).toContain('terminated'))
  })
})

describe('sluice serve, refused', () => {
  test('serves other machines without a key only where that is asked for', async () => {
    const args = ['--model', talker, '--host', '0.0.0.0']
    const result = await runCli(['serve', '--port', '0', ...args])
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toMatch(/^sluice: .*--allow-unauthenticated.*\n$/)
    const open = await up([...args, '--allow-unauthenticated'])
    expect((await chat(open.url)).status).toBe(200)
    const keyed = await up([...args, '--api-key-file', keyFile])
    expect(pasted(keyed.curl)).toContain('[DONE]')
  })

  test.each([
    ['--allow-unauthenticated', ['--host', '0.0.0.0']],
    ['--isolate-keys', ['--isolate-keys']],
  ])('says that it lacks keys (%s) before it looks at the model', async (flag, args) => {
    const result = await runCli(['serve', '--port', '0', '--model', 'no/such.gguf', ...args])
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toContain(flag)
  })

  test('reports a port in use before it looks at the model', async () => {
    const other = createServer()
    const port = await new Promise<number>((resolve) => {
      other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port))
    })
    const result = await runCli(['serve', '--model', 'no/such.gguf', '--port', `${port}`])
    other.close()
    expect(result).toMatchObject({ code: 1, stdout: '' })
    expect(result.stderr).toMatch(new RegExp(`^sluice: Port ${port} .*--port 0.*\\n$`))
  })

  test('ends with 1 and one line where the file is no model', async () => {
    const result = await runCli(['serve', '--port', '0', '--model', textFileAsModel()])
    expect(result).toMatchObject({ code: 1, stdout: '' })
    expect(result.stderr).toMatch(/^sluice: [^\n]+\(ERR_MODEL_INVALID\)\n$/)
  })

  test.each([
    [['--port', '70000'], '--port'],
    [['--allow-origin', 'app.example'], "'--allow-origin': expected an origin"],
    [['--allow-host', 'a.example:80'], "'--allow-host': expected a host name"],
    [['--api-key-file', 'no/such/file'], '--api-key-file'],
    [['--api-key', 'secret'], '--api-key'],
    [['--isolate-keys'], '--isolate-keys'],
    [['--kv-cells', '64', '--context', '128'], "'--kv-cells': expected a whole number from 128"],
    [['--gpu-layer', '3'], '--gpu-layers'],
  ])('takes %j for a usage error: exit 2', async (args, name) => {
    // A port of its own first: the usual one may be in use, which is another fault.
    const result = await runCli(['serve', '--port', '0', '--model', talker, ...args])
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toContain(name)
  })
})

/**
 * A stream of more than the kernels buffer, of 8,000 tokens and some 2 KB for each: it is under way
 * for as long as it is not read.
 */
const unreadable = { stream: true, logprobs: true, top_logprobs: 20 }

/** Until the server turns newcomers away, which is when it has heard the signal. */
async function refused(url: string): Promise<void> {
  for (;;) {
    const answer = await fetch(`${url}/health`).catch(() => undefined)
    if (answer?.status !== 200) return
  }
}
