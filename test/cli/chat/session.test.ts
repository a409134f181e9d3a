import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { useBinding } from '../../../src/binding/binding.js'
import type { NativeChat, NativeRequest } from '../../../src/binding/engine-port.js'
import { InputHistory } from '../../../src/cli/chat/history.js'
import { ChatSession } from '../../../src/cli/chat/session.js'
import { ChatSettings } from '../../../src/cli/chat/settings.js'
import { noColours } from '../../../src/cli/colours.js'
import { type Engine, type LoadOptions, load } from '../../../src/index.js'
import { settle } from '../../support/eventually.js'
import { FakeAddon, type FakeOptions } from '../../support/fake-binding.js'
import { FakeTerminal } from '../../support/terminal/fake-terminal.js'

const prompt = '>>> '
const marked = (name: string) => (text: string) => `<${name}>${text}</${name}>`
const markedColours = { ...noColours, dim: marked('dim'), yellow: marked('yellow') }

interface OpenOptions extends FakeOptions {
  system?: string
  style?: typeof noColours
  columns?: number
  isDumb?: boolean
  lora?: LoadOptions['lora']
}

let engine: Engine | undefined
let folder: string
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-chat-'))
})
afterEach(async () => {
  await engine?.close()
  engine = undefined
  useBinding(undefined)
  fs.rmSync(folder, { recursive: true })
})

async function open(options: OpenOptions = {}) {
  const { system, style, columns, isDumb = false, lora = {}, ...fake } = options
  const addon = new FakeAddon(fake)
  useBinding(addon)
  engine = await load({ model: 'fake.gguf', parallel: 1, lora })
  const terminal = new FakeTerminal(columns)
  const ended = new AbortController()
  const history = new InputHistory(path.join(folder, 'history'), (words) => {
    throw new Error(words)
  })
  const session = new ChatSession({
    ...{ engine, system, history, isDumb, input: terminal.input, output: terminal.output },
    settings: new ChatSettings(engine.settings, { thinking: 'on' }),
    style: style ?? noColours,
    signal: ended.signal,
  })
  const left = session.run()
  left.catch(() => undefined)
  await terminal.shows(prompt)
  return { addon, terminal, left, ended, ...helpers(terminal, addon) }
}

function helpers(terminal: FakeTerminal, addon: FakeAddon) {
  /** Enters a line, and waits for the next prompt. @returns what was shown */
  const enter = async (line: string) => {
    const since = terminal.text.length
    terminal.type(`${line}\r`)
    await terminal.shows(/\n>>> $/, since)
    return terminal.text.slice(since)
  }
  /** What each request had of the conversation. */
  const asked = () => addon.engine.submitted.map(conversationOf)
  return { enter, asked }
}

function conversationOf({ prompt: chat }: NativeRequest): string[] {
  return (chat as NativeChat).messages.map(({ role, content, reasoning }) => {
    return `${role}: ${reasoning === '' ? '' : `(${reasoning}) `}${content}`
  })
}

describe('a chat', () => {
  test('streams replies, and each has what was said before', async () => {
    const { enter, asked, terminal, left } = await open({ system: 'Be kind.' })
    expect(await enter('Tell me a story')).toContain('Once upon a time.\n[')
    await enter('Another')
    expect(asked()).toEqual([
      ['system: Be kind.', 'user: Tell me a story'],
      [
        'system: Be kind.',
        'user: Tell me a story',
        'assistant: Once upon a time.',
        'user: Another',
      ],
    ])
    expect(terminal.raw).toContain('\x1b[?2004h')
    terminal.type('\x04')
    await left
    expect(terminal.raw.endsWith('\n\x1b[?2004l')).toBe(true)
    expect(terminal.input).toMatchObject({ isRaw: false, isPaused: true })
  })

  test('has each reply made with all adapters that it was given', async () => {
    const { enter, addon } = await open({
      lora: { a: 'a.gguf', b: { file: 'b.gguf', scale: 0.5 } },
    })
    await enter('one')
    await enter('two')
    const adapters = [0, 1, 1, 0.5]
    expect(addon.engine.submitted.map((request) => request.adapters)).toEqual([adapters, adapters])
  })

  test('tells behind a reply how many tokens it had and how many were cached', async () => {
    const { enter } = await open({
      script: () => ({ tokens: ['a', 'b'], promptTokens: 30, cachedTokens: 20, parkedMs: 1 }),
      style: markedColours,
    })
    expect(await enter('x')).toContain('ab\n<dim>[2 tokens, prompt 30 (20 cached)]</dim>\n')
  })

  test('shows what a model thinks dimmed, and keeps it with the reply', async () => {
    const script = () => ({ tokens: [{ reasoning: 'hm' }, { reasoning: ' hm' }, '\n\nYes', '.'] })
    const { enter, asked } = await open({ script, style: markedColours })
    expect(await enter('x')).toMatch(/<dim>hm<\/dim>.*<dim> hm<\/dim>\n\nYes\.\n/)
    await enter('y')
    expect(asked()[1]).toEqual(['user: x', 'assistant: (hm hm) \n\nYes.', 'user: y'])
  })

  test('marks what a model thinks by words where nothing is dimmed', async () => {
    const { enter } = await open({ script: () => ({ tokens: [{ reasoning: 'hm' }, 'Yes'] }) })
    expect(await enter('x')).toContain('[thoughts]\nhm\n[reply]\nYes\n[')
  })

  test('lets no control character of a model through to the terminal', async () => {
    const script = () => ({ tokens: ['a\x1b[2J', '\x9b', 'b\tc\n', { reasoning: '\x07' }] })
    const { enter, terminal, asked } = await open({ script })
    const shown = await enter('x')
    expect(shown).toContain('a␛[2J\\x9bb\tc\n')
    expect(shown).toContain('␇')
    for (const control of ['\x1b[2J', '\x9b', '\x07']) expect(terminal.raw).not.toContain(control)
    await enter('y')
    expect(asked()[1]?.[1]).toContain('a\x1b[2J\x9bb\tc\n')
  })
})

function* counting(): Generator<string> {
  for (let i = 0; ; i++) yield `${i} `
}

describe('Ctrl-C', () => {
  const manual = { pace: 'manual', script: () => ({ tokens: counting() }) } as const

  test('stops the reply, and what was said so far stays', async () => {
    const { addon, terminal, asked } = await open(manual)
    terminal.type('Count\r')
    await settle()
    addon.engine.step(4)
    await terminal.shows('0 1 ')
    terminal.type('\x03')
    await settle()
    addon.engine.step()
    await terminal.shows(/0 1 .*\n\[stopped, .*\n>>> $/)
    expect(addon.engine.cancelled).toHaveLength(1)
    terminal.type('Go on\r')
    await settle()
    addon.engine.step()
    const said = /\n(0 1 .*)\n/.exec(terminal.text)?.[1]
    expect(asked()[1]).toEqual(['user: Count', `assistant: ${said}`, 'user: Go on'])
  })

  test('before the first word has the message taken back', async () => {
    const { addon, terminal, asked } = await open(manual)
    terminal.type('Count\r')
    await settle()
    terminal.type('\x03')
    await settle()
    addon.engine.step(2)
    await terminal.shows(/your message is taken back\n>>> $/)
    terminal.type('Other\r')
    await settle()
    expect(asked()[1]).toEqual(['user: Other'])
  })

  test('leaves when it comes twice', async () => {
    const { addon, terminal, left } = await open(manual)
    terminal.type('Count\r')
    await settle()
    addon.engine.step(3)
    terminal.type('\x03')
    terminal.type('\x03')
    await settle()
    addon.engine.step()
    await left
    expect(terminal.input).toMatchObject({ isRaw: false, isPaused: true })
  })

  test('leaves at an empty prompt', async () => {
    const { terminal, left } = await open()
    terminal.type('\x03')
    await left
    expect(terminal.text.endsWith('>>> \n')).toBe(true)
  })

  test.each([
    ['a line', false],
    ['a line of a terminal without sequences', true],
  ])('empties %s that is typed, and then leaves', async (_, isDumb) => {
    const { terminal, left, addon } = await open({ isDumb })
    terminal.type('never sent')
    await terminal.shows('never sent')
    terminal.type('\x03')
    await settle()
    terminal.type('\r')
    await settle()
    expect(addon.engine.submitted).toEqual([])
    terminal.type('first\\\r')
    await terminal.shows('... ')
    terminal.type('\x03')
    await terminal.shows(/\.\.\. .*\n.*>>> $/s)
    terminal.type('\x03')
    await left
    expect(addon.engine.submitted).toEqual([])
  })
})

describe('a terminal', () => {
  test('that pastes several lines has them sent as one message, after Enter', async () => {
    const { addon, terminal, asked, enter } = await open()
    terminal.type('See: ')
    terminal.paste('one\n\ttwo\\\n\x07"""\nthree')
    await terminal.shows('three')
    await settle()
    expect(addon.engine.submitted).toEqual([])
    await enter('!')
    expect(asked()).toEqual([['user: See: one\n\ttwo\\\n"""\nthree!']])
    expect(fs.readFileSync(path.join(folder, 'history'), 'utf8')).toBe('three!\n')
  })

  test('that pastes in pieces has them put together', async () => {
    const { terminal, asked, enter } = await open()
    for (const piece of ['\x1b[2', '00~one\rtw', 'o\x1b', '[201', '~ three']) terminal.type(piece)
    await terminal.shows('two three')
    await enter('')
    expect(asked()).toEqual([['user: one\ntwo three']])
  })

  test('brings back what was typed, but for pasted lines', async () => {
    const { terminal, enter, asked } = await open()
    await enter('first')
    terminal.paste('pasted\nlines\n')
    await enter('second')
    await enter('\x1b[A\x1b[A')
    expect(asked().map((messages) => messages.at(-1))).toEqual([
      'user: first',
      'user: pasted\nlines\nsecond',
      'user: first',
    ])
  })

  test('keeps what is typed during a reply for the next prompt', async () => {
    const { addon, terminal, asked } = await open({ pace: 'manual' })
    terminal.type('one\r')
    await settle()
    terminal.type('two\rthree')
    await settle()
    expect(terminal.text.endsWith('>>> one\n')).toBe(true)
    addon.engine.step(10)
    await settle(60)
    expect(asked().map((messages) => messages.at(-1))).toEqual(['user: one', 'user: two'])
    addon.engine.step(10)
    await terminal.shows(/>>> three$/)
  })

  test('that changes its size during a reply has no prompt drawn into it', async () => {
    const { addon, terminal } = await open({ pace: 'manual' })
    terminal.type('one\r')
    await settle()
    addon.engine.step(3)
    await terminal.shows('Once')
    const before = terminal.raw
    terminal.resize(20)
    await settle()
    expect(terminal.raw).toBe(before)
  })

  test('that is gone ends the reply and the chat', async () => {
    const { addon, terminal, left } = await open({ pace: 'manual' })
    terminal.type('one\r')
    await settle()
    addon.engine.step(2)
    terminal.input.emit('end')
    await settle()
    addon.engine.step()
    await left
    expect(addon.engine.cancelled).toHaveLength(1)
  })

  test('without sequences gets none', async () => {
    const { terminal, enter, left } = await open({ isDumb: true })
    await enter('x')
    terminal.type('\x03')
    await left
    expect(terminal.raw).not.toContain('\x1b[?2004')
  })
})

test('a signal ends a chat at its prompt, as an error that says so', async () => {
  const { left, ended, terminal } = await open()
  ended.abort()
  await expect(left).rejects.toMatchObject({ code: 'ERR_CANCELLED' })
  expect(terminal.input).toMatchObject({ isRaw: false, isPaused: true })
})

describe('a message that cannot be answered', () => {
  test('is told and taken back, and the chat goes on', async () => {
    const refuse = { code: 'ERR_INVALID_REQUEST', message: 'the template refuses it' } as const
    const script = ({ prompt: chat }: NativeRequest) => {
      const isBad = (chat as NativeChat).messages.some(({ content }) => content === 'bad')
      return isBad ? { tokens: [], refuse } : { tokens: ['Yes'] }
    }
    const { enter, asked } = await open({ script })
    expect(await enter('bad')).toContain(
      'the template refuses it (ERR_INVALID_REQUEST); your message',
    )
    expect(await enter('good')).toContain('Yes')
    expect(asked().at(-1)).toEqual(['user: good'])
  })

  test('for the engine has ended is the end of the chat', async () => {
    const { addon, terminal, left } = await open({ pace: 'manual' })
    terminal.type('x\r')
    await settle()
    addon.engine.die()
    await expect(left).rejects.toMatchObject({ code: 'ERR_ENGINE_ENDED' })
    expect(terminal.input.isRaw).toBe(false)
  })
})
