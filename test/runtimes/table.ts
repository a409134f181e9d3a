import path from 'node:path'
import { expect, test } from 'vitest'
import { eventually } from '../support/eventually.js'
import { packageUnderTest, programs } from '../support/packages/package-under-test.js'
import { requireWarning, startProgram } from '../support/program.js'

const folder = programs('test/runtimes/programs')

/** A program that executes JavaScript, and how. */
export interface Runtime {
  command: string
  /** In front of the script's path. */
  args?: readonly string[]
  /** What it writes to stderr where all is well. Default: nothing. */
  stderr?: RegExp
  /** The syntax `await using`; the symbol behind it is everywhere. */
  hasAwaitUsing?: boolean
  /** Its exit code for SIGTERM, where it is not ended by the signal. */
  codeAtSigterm?: number
}

interface Ends {
  code: number
  stdout: string
  stderr?: RegExp
}

/** Deno says this of any handler that listens to the signal. */
const denoSignal = /^(?:Deno\.serve: request\.signal aborts .*\n)?$/

const table: [name: string, ends: Ends][] = [
  [
    'streams.mjs',
    {
      code: 0,
      stdout:
        'read true length\nleft cancelled\naborted ERR_CANCELLED true\n' +
        'web true\nbytes true\nidle 0\n',
    },
  ],
  [
    'requires.cjs',
    { code: 0, stdout: 'read true function function\nsame true\n', stderr: requireWarning },
  ],
  ['disposes.mjs', { code: 0, stdout: 'disposed true ERR_CLOSED\n' }],
  ['serves.mjs', { code: 0, stdout: 'streamed true true\ncancelled 0\ndrained\n' }],
  // The servers of docs/fetch.md.
  [
    'fetches.mjs',
    {
      code: 0,
      stdout: 'streamed true true\ncancelled 0\ndoor 200 403\ndrained\n',
      stderr: denoSignal,
    },
  ],
  [
    'mounts.mjs',
    {
      code: 0,
      stdout: 'streamed true true\ncancelled 0\nmodels 200 404\ndrained\n',
      stderr: denoSignal,
    },
  ],
  ['works.mjs', { code: 0, stdout: 'terminated\nread 50 ended with 0\nbeside 300\n' }],
  ['forks.mjs', { code: 0, stdout: 'told 30\nended with 0\n' }],
  ['exits.mjs', { code: 7, stdout: 'decoding\n' }],
  ['throws.mjs', { code: 1, stdout: 'decoding\n', stderr: /thrown on purpose/ }],
  ['leaves-open.mjs', { code: 0, stdout: 'read true\n' }],
]

const awaitUsing: [name: string, ends: Ends] = [
  'await-using.mjs',
  { code: 0, stdout: 'read true\ndisposed true\n' },
]

/** A test for each of test/runtimes/programs, and for the command line. */
export function testRuntime(runtime: Runtime): void {
  const { command, args = [], stderr: usual = /^$/ } = runtime
  const start = (script: string, ...rest: string[]) =>
    startProgram(command, [...args, script, ...rest])

  test.each(runtime.hasAwaitUsing ? [...table, awaitUsing] : table)(
    '%s',
    async (name, { code, stdout, stderr }) => {
      const result = await start(path.join(folder, name)).result
      const matching = stderr ?? usual
      expect(result).toEqual({ code, stdout, stderr: expect.stringMatching(matching) })
    },
  )

  test('SIGTERM ends a process in mid-decode', async () => {
    const program = start(path.join(folder, 'decodes.mjs'))
    await program.said(/^decoding\n/)
    program.child.kill('SIGTERM')
    expect((await program.result).code).toBe(runtime.codeAtSigterm ?? null)
  })

  test('`sluice run` and `sluice serve` work, and SIGTERM drains the server', async () => {
    const cli = path.join(packageUnderTest, 'dist/cli/main.cjs')
    const ran = await start(cli, 'run', 'Tell me a story', '--max-tokens', '20').result
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringMatching(/\w+ \w+ \w+/) })
    const served = start(cli, 'serve', '--port', '0', '--log-format', 'json')
    const [, url = ''] = await served.said(/Listening on (http:\S+)\. Try:/)
    await useWhole(url)
    const running = await ask(url, { stream: true, max_tokens: 200 })
    served.child.kill('SIGTERM')
    expect(await running.text()).toMatch(/data: \[DONE\]\n\n$/)
    const { code, stderr } = await served.result
    expect(code).toBe(0)
    const lines = stderr.split('\n').filter((line) => line.startsWith('{'))
    const events = lines.map((line) => JSON.parse(line).msg)
    expect(events).toEqual(expect.arrayContaining(['ready', 'request', 'draining', 'stopped']))
  })
}

function ask(url: string, more: object, init: RequestInit = {}): Promise<Response> {
  const messages = [{ role: 'user', content: 'Tell me a story' }]
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'default', messages, ...more }),
    ...init,
  })
}

/** Each kind of request that `serve` knows, wrong ones and those that end early too. */
async function useWhole(url: string): Promise<void> {
  const post = (route: string, body: object) =>
    fetch(url + route, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  for (const route of ['/health', '/v1/models', '/metrics']) {
    expect((await fetch(url + route)).status).toBe(200)
  }
  const whole = await (await ask(url, { max_tokens: 10 })).json()
  expect(whole).toMatchObject({ choices: [{ message: { role: 'assistant' } }] })
  const frames = await (await ask(url, { stream: true, max_tokens: 10 })).text()
  expect(frames).toMatch(/^data: \{.*data: \[DONE\]\n\n$/s)
  const completion = { model: 'default', prompt: 'Once', max_tokens: 5 }
  expect(await (await post('/v1/completions', completion)).json()).toMatchObject({
    choices: [{ text: expect.any(String) }],
  })
  const told = await post('/tokenize', { content: 'Once upon' })
  const { tokens } = (await told.json()) as { tokens: number[] }
  expect(await (await post('/detokenize', { tokens })).json()).toEqual({ content: 'Once upon' })
  const wrong = await ask(url, { temperature: 'hot' })
  expect(wrong.status).toBe(400)
  expect(await wrong.json()).toMatchObject({ error: { param: 'temperature' } })
  const leaves = new AbortController()
  const left = await ask(url, { stream: true, max_tokens: 900 }, { signal: leaves.signal })
  await left.body?.getReader().read()
  leaves.abort()
  const isIdle = async () =>
    /^sluice_num_requests_running(\{.*\})? 0$/m.test(await (await fetch(`${url}/metrics`)).text())
  await eventually(isIdle, 'the reply of a client that left goes on')
}
