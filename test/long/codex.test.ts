import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { templateText } from '../support/agents/session.js'
import { turnModel } from '../support/models/turn-model.js'
import { recordExchanges } from '../support/recorder.js'
import { closeAfterEach } from '../support/serve.js'
import { serveReal } from '../support/serve-real.js'

closeAfterEach()

test('probe', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'codex-'))
  const home = path.join(folder, 'home'),
    work = path.join(folder, 'work')
  mkdirSync(path.join(home, '.codex'), { recursive: true })
  mkdirSync(work)
  const model = turnModel({
    turns: [
      { mark: '[turn 01]', reply: '[turn 01] Hello from the model.' },
      { mark: '[turn 02]', reply: '[turn 02] And again.' },
    ],
    tokenizer: 'gpt-2',
  })
  const chatTemplate = templateText('Qwen-Qwen2.5-7B-Instruct.jinja')
  const { url, server, log } = await serveReal({
    model,
    chatTemplate,
    context: 65_536,
    parallel: 2,
  })
  const exchanges = recordExchanges(server.server)
  writeFileSync(
    path.join(home, '.codex/config.toml'),
    `
model = "default"
model_provider = "sluice"
model_context_window = 65536
[model_providers.sluice]
name = "Sluice"
base_url = "${url}/v1"
wire_api = "responses"
`,
  )
  const child = spawn(
    '/tmp/codex/node_modules/.bin/codex',
    ['exec', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox', 'Say hello.'],
    {
      cwd: work,
      env: {
        PATH: process.env.PATH,
        HOME: home,
        HTTP_PROXY: 'http://127.0.0.1:9',
        HTTPS_PROXY: 'http://127.0.0.1:9',
        NO_PROXY: '127.0.0.1,localhost',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const timer = setTimeout(() => child.kill('SIGKILL'), 240_000)
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  clearTimeout(timer)
  console.log('OUT', out, '\nERR', err.slice(-3000))
  for (const e of exchanges)
    console.log(e.method, e.url, e.status, e.request.length, e.answer.slice(-1500))
  writeFileSync(
    '/tmp/codex-request.json',
    exchanges.find(({ url }) => url.endsWith('responses'))?.request ?? '',
  )
  console.log(log)
  rmSync(folder, { recursive: true, force: true })
}, 300_000)
