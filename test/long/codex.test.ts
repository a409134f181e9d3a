import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { jsonInTags } from '../support/agents/plan.js'
import { templateText } from '../support/agents/session.js'
import { turnModel } from '../support/models/turn-model.js'
import { installed } from '../support/packages/installed.js'
import { startProgram } from '../support/program.js'
import { type Recorded, recordExchanges } from '../support/recorder.js'
import { alsoClose, closeAfterEach } from '../support/serve.js'
import { serveReal } from '../support/serve-real.js'
import { eventsOf, type WireResponse } from '../support/wire/responses.js'

// Codex, as npm has it and unchanged: a turn, and a turn with a call of its own shell. It needs a
// home with a provider of `wire_api = "responses"`, no key, and no network but the server's.

closeAfterEach()

const isHere = process.platform === 'linux' && process.arch === 'x64'
const contextTokens = 65_536
const nowhere = 'http://127.0.0.1:9'

function configFor(url: string, more: string): string {
  return `
model = "default"
model_provider = "sluice"
model_context_window = ${contextTokens}

[model_providers.sluice]
name = "Sluice"
base_url = "${url}/v1"
wire_api = "responses"
${more}
`
}

interface Session {
  /** What it printed: its last message is all of stdout. */
  readonly stdout: string
  readonly stderr: string
  readonly code: number | null
  readonly exchanges: readonly Recorded[]
  /** Its folder. */
  readonly work: string
}

interface CodexOptions {
  /** Milliseconds of silence after which a stream is pinged. */
  readonly pingMs?: number
  /** Milliseconds for which its first request waits for a slot. */
  readonly waitMs?: number
  readonly config?: string
}

/** Has it asked for `ask`, of a model that says these replies in turn, each after its mark. */
async function codex(
  turns: (work: string) => { mark: string; reply: string }[],
  { pingMs, waitMs, config = '' }: CodexOptions = {},
): Promise<Session> {
  const modules = path.join(installed(['@openai/codex@0.171.0']), 'node_modules')
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'sluice-codex-')))
  alsoClose(async () => rmSync(folder, { recursive: true, force: true }))
  const [home, work] = [path.join(folder, 'home'), path.join(folder, 'work')]
  mkdirSync(path.join(home, '.codex'), { recursive: true })
  mkdirSync(work)
  const model = turnModel({ turns: turns(work), tokenizer: 'gpt-2' })
  const chatTemplate = templateText('Qwen-Qwen2.5-7B-Instruct.jinja')
  const options = { model, chatTemplate, context: contextTokens, parallel: 2 }
  const { url, server, engine } = await serveReal(options, pingMs === undefined ? {} : { pingMs })
  if (waitMs !== undefined) {
    const others = [1, 2].map((seed) => {
      return engine.complete('a', { seed, maxTokens: 50_000, ignoreEos: true })
    })
    for (const other of others) other.text().catch(() => undefined) // it is cancelled
    const leave = () => others.map((other) => other.cancel())
    server.server.once('request', () => setTimeout(leave, waitMs))
  }
  const exchanges = recordExchanges(server.server)
  writeFileSync(path.join(home, '.codex/config.toml'), configFor(url, config))
  const flags = ['--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox']
  const args = [path.join(modules, '@openai/codex/bin/codex.js'), 'exec', ...flags, 'Say hello.']
  const env = { HOME: home, HTTP_PROXY: nowhere, HTTPS_PROXY: nowhere, NO_PROXY: '127.0.0.1' }
  const ended = await startProgram(process.execPath, args, { env, cwd: work }).result
  return { ...ended, exchanges, work }
}

/** The response that an answer came to. */
function responseOf({ answer }: Recorded): WireResponse {
  const last = eventsOf(answer).at(-1)?.response
  if (last === undefined) throw new Error(`no response in ${answer.slice(0, 300)}`)
  return last
}

test.runIf(isHere)('Codex finishes a turn', async () => {
  const text = '[turn 01] Hello from the model.'
  const { stdout, stderr, code, exchanges } = await codex(() => [
    { mark: '[turn 01]', reply: text },
  ])
  expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: `${text}\n` })
  expect(exchanges.map(({ method, url, status }) => [method, url, status])).toEqual([
    ['POST', '/v1/responses', 200],
  ])
})

test.runIf(isHere)(
  'Codex runs a call, and its second request computes only what is new',
  async () => {
    const { stdout, stderr, code, exchanges, work } = await codex((folder) => [
      {
        mark: '[turn 01]',
        reply: `[turn 01] I write a file.\n${jsonInTags({
          name: 'exec_command',
          arguments: { cmd: 'echo "made by a call" > made.txt; cat made.txt', workdir: folder },
        })}`,
      },
      { mark: '[turn 02]', reply: '[turn 02] The file is there.' },
    ])
    expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: '[turn 02] The file is there.\n' })
    expect(readFileSync(path.join(work, 'made.txt'), 'utf8')).toBe('made by a call\n')
    expect(exchanges.map(({ status }) => status)).toEqual([200, 200])
    const [first, second] = exchanges as [Recorded, Recorded]
    const { output, usage } = responseOf(first)
    expect(output.map(({ type }) => type)).toEqual(['message', 'function_call'])
    const { input } = JSON.parse(second.request) as { input: { type: string; output?: string }[] }
    expect(input.at(-1)).toMatchObject({
      type: 'function_call_output',
      output: expect.stringContaining('made by a call'),
    })
    const { cached_tokens } = responseOf(second).usage.input_tokens_details
    expect(cached_tokens).toBeGreaterThan(usage.input_tokens * 0.95)
  },
)

test.runIf(isHere)(
  'Codex waits through a silence, in which events come and no comment',
  async () => {
    const text = '[turn 01] That took a while.'
    const { stdout, stderr, code, exchanges } = await codex(
      () => [{ mark: '[turn 01]', reply: text }],
      { pingMs: 100, waitMs: 2000, config: 'stream_idle_timeout_ms = 800\nstream_max_retries = 0' },
    )
    const [first] = exchanges as [Recorded]
    expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: `${text}\n` })
    expect(first.answer.match(/^event: keepalive$/gm)?.length).toBeGreaterThan(9)
  },
)
