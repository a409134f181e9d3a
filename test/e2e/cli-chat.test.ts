import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runCli } from '../support/cli.js'
import { eventually } from '../support/eventually.js'
import { randomModel } from '../support/models/random-model.js'
import { scriptModel } from '../support/models/script-model.js'
import { closeTerminalsAfterEach, PseudoTerminal } from '../support/terminal/pseudo-terminal.js'

const reply = 'Es war einmal ein Fuchs 🦊, der sagte: 日本語！'
const talker = scriptModel({ reply })
const endless = scriptModel({ reply: 'on and on it goes, ', repeat: true, context: 2 ** 17 })
/** Of minutes, so that a key comes within it however late. */
const endlessly = [endless, '--context', `${2 ** 17}`]
const summary = /\[[\d.]+ tokens\/s, \d+ tokens, prompt \d+( \(\d+ cached\))?\]\n/
const atPrompt = />>> $/

let state: string
beforeEach(() => {
  state = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-chat-'))
})
afterEach(() => fs.rmSync(state, { recursive: true }))
closeTerminalsAfterEach()

const open = (args: string[], env = {}) => {
  return new PseudoTerminal(['chat', ...args], { XDG_STATE_HOME: state, ...env })
}
const saved = (file: string) => JSON.parse(fs.readFileSync(path.join(state, file), 'utf8'))

describe.runIf(process.platform === 'linux')('sluice chat on a terminal', () => {
  test('streams replies that know what was said, and leaves by Ctrl-D', async () => {
    const terminal = open([talker, '--system', 'Be kind.'])
    let end = await terminal.shows(atPrompt)
    terminal.type('one\r')
    end = await terminal.shows(new RegExp(`${reply}\n`), end)
    end = await terminal.shows(summary, end)
    await terminal.shows(atPrompt, end)
    terminal.type('two\\\rthree\r')
    end = await terminal.shows(/\.\.\. three\n/, end)
    end = await terminal.shows(/prompt \d+ \([1-9]\d* cached\)\]\n>>> $/, end)
    terminal.type(`/save ${path.join(state, 'talk.json')}\r`)
    await terminal.shows(/5 messages written to .*\n>>> $/, end)
    terminal.type('\x04')
    expect(await terminal.code).toBe(0)
    expect(saved('talk.json')).toEqual([
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: 'one' },
      { role: 'assistant', content: reply },
      { role: 'user', content: 'two\nthree' },
      { role: 'assistant', content: reply },
    ])
  })

  test('stops the engine by Ctrl-C, keeps what was said, and leaves by the next', async () => {
    const terminal = open(endlessly)
    let end = await terminal.shows(atPrompt)
    terminal.type('go\r')
    end = await terminal.shows(/on and on it goes, on/, end)
    terminal.type('\x03')
    end = await terminal.shows(/\n\[stopped, [\d.]+ tokens\/s, \d+ tokens, .*\]\n>>> $/, end)
    // There is one slot: a reply that went on would have it.
    terminal.type('again\r')
    end = await terminal.shows(/\n.*on and on it goes, on/, end)
    terminal.type('\x03')
    end = await terminal.shows(/\[stopped, .*\]\n>>> $/, end)
    terminal.type(`/save ${path.join(state, 'talk.json')}\r`)
    await terminal.shows(/4 messages written to .*\n>>> $/, end)
    terminal.type('\x03')
    expect(await terminal.code).toBe(0)
    const [, said] = saved('talk.json')
    expect(said.content).toMatch(/^on and on it goes, on/)
    expect(terminal.text).toContain(`>>> go\n${said.content}\n[stopped`)
  })

  test('leaves at once by two of Ctrl-C', async () => {
    const terminal = open(endlessly)
    const end = await terminal.shows(atPrompt)
    terminal.type('go\r')
    await terminal.shows(/on and on/, end)
    terminal.type('\x03\x03')
    expect(await terminal.code).toBe(0)
    expect(terminal.text.slice(end)).toMatch(/\n\[stopped, [^\n]*\]\n$/)
  })

  test('sends what is pasted as one message, and has its lines behind the next start', async () => {
    const terminal = open([talker])
    let end = await terminal.shows(atPrompt)
    expect(terminal.raw).toContain('\x1b[?2004h') // or no terminal would mark a paste
    terminal.type('\x1b[200~one\rtwo\r\tthree\x1b[201~')
    end = await terminal.shows(/one\n\.\.\. two\n\.\.\. \s*three/, end)
    terminal.type('\r')
    end = await terminal.shows(atPrompt, end)
    terminal.type('typed\r')
    end = await terminal.shows(/\]\n>>> $/, end)
    terminal.type(`/save ${path.join(state, 'talk.json')}\r`)
    await terminal.shows(/4 messages written to .*\n>>> $/, end)
    terminal.type('/quit\r')
    expect(await terminal.code).toBe(0)
    expect(saved('talk.json')[0]).toEqual({ role: 'user', content: 'one\ntwo\n\tthree' })

    const history = path.join(state, 'sluice', 'chat-history')
    expect(fs.statSync(history).mode & 0o777).toBe(0o600)
    const next = open([talker])
    const began = await next.shows(atPrompt)
    next.type('\x1b[A\x1b[A\x1b[A\r') // /quit, /save, and then what was typed
    await next.shows(new RegExp(`>>> typed\n${reply}`), began)
    next.type('\x04')
    expect(await next.code).toBe(0)
  })

  test('keeps no file with --no-history', async () => {
    const terminal = open([talker, '--no-history'])
    const end = await terminal.shows(atPrompt)
    terminal.type('one\r')
    await terminal.shows(/\]\n>>> $/, end)
    terminal.type('\x04')
    expect(await terminal.code).toBe(0)
    expect(fs.readdirSync(state)).toEqual([])
  })

  test('goes on beyond the context, and says that turns are left out', async () => {
    const terminal = open([talker, '--context', '300'])
    let end = await terminal.shows(atPrompt)
    for (let turn = 0; turn < 4; turn++) {
      terminal.type('one\r')
      end = await terminal.shows(/\]\n>>> $/, end)
    }
    expect(terminal.text).not.toContain('left out')
    terminal.type('two\r')
    await terminal.shows(/, [1-9] earlier messages left out\]\nsluice: [^>]*>>> $/, end)
    expect(terminal.text.match(/has outgrown the context of 300 tokens/g)).toHaveLength(1)
    end = terminal.text.length
    terminal.type(`${'much '.repeat(300)}\r`)
    await terminal.shows(/sluice: too long: [\s\S]*your message is taken back\n>>> $/, end)
    terminal.type('\x04')
    expect(await terminal.code).toBe(0)
  })

  test('ends by SIGTERM with 143, and gives the terminal back', async () => {
    const terminal = open(endlessly)
    const end = await terminal.shows(atPrompt)
    terminal.type('go\r')
    await terminal.shows(/on and on/, end)
    process.kill(terminal.pid, 'SIGTERM')
    expect(await terminal.code).toBe(143)
    expect(terminal.raw.trimEnd().endsWith('\x1b[?2004l')).toBe(true)
  })

  test('goes on where it was after Ctrl-Z, and has pastes marked again', async () => {
    const terminal = open([talker])
    let end = await terminal.shows(atPrompt)
    terminal.type('half a')
    end = await terminal.shows(/half a/, end)
    // It has no shell, so Ctrl-Z does not stop it; but readline waits to be continued.
    terminal.type('\x1a')
    await eventually(() => {
      process.kill(terminal.pid, 'SIGCONT')
      return terminal.raw.split('\x1b[?2004h').length > 2
    })
    end = await terminal.shows(/>>> half a$/, end)
    terminal.type(' line\r')
    await terminal.shows(new RegExp(` line\n${reply}`), end)
    terminal.type('\x04')
    expect(await terminal.code).toBe(0)
  })

  test('writes no colours with NO_COLOR, and no sequences at all to a dumb terminal', async () => {
    const plain = open([talker], { NO_COLOR: '1' })
    await plain.shows(atPrompt)
    plain.type('\x04')
    expect(await plain.code).toBe(0)
    for (const style of ['\x1b[2m', '\x1b[22m']) expect(plain.raw).not.toContain(style)
    const dumb = open([talker], { TERM: 'dumb' })
    const end = await dumb.shows(atPrompt)
    dumb.type('one\r')
    await dumb.shows(/\]\n>>> $/, end)
    dumb.type('\x04')
    expect(await dumb.code).toBe(0)
    expect(dumb.raw).not.toContain('\x1b')
  })

  test('refuses a model without a chat template', async () => {
    const terminal = open([randomModel({ chatTemplate: '' })])
    expect(await terminal.code).toBe(2)
    expect(terminal.text).toContain("'--model': expected a model with a chat template")
  })
})

describe('sluice chat', () => {
  test('that has no terminal names sluice run', async () => {
    const { code, stdout, stderr } = await runCli(['chat', '--model', talker], { input: 'x\n' })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^sluice: stdin: expected a terminal, .* sluice run "Tell me a story"/)
  })
})

test.runIf(process.platform === 'linux')(
  'sluice run lets no sequence of a model through to a terminal',
  async () => {
    const terminal = new PseudoTerminal([
      'run',
      'x',
      '--model',
      scriptModel({ reply: 'a\x1b[2Jb' }),
    ])
    expect(await terminal.code).toBe(0)
    expect(terminal.raw).toContain('a␛[2Jb')
  },
)
