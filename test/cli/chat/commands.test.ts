import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { samplingNames, samplingRows } from '../../../src/api/sampling-options.js'
import { act, type Chat } from '../../../src/cli/chat/commands.js'
import { Conversation } from '../../../src/cli/chat/conversation.js'
import { Screen } from '../../../src/cli/chat/screen.js'
import { ChatSettings } from '../../../src/cli/chat/settings.js'
import { Totals } from '../../../src/cli/chat/totals.js'
import { noColours } from '../../../src/cli/colours.js'

const neutral = Object.fromEntries(samplingNames.map((name) => [name, samplingRows[name].neutral]))
const engineSettings = {
  ...{ context: 2048, reasoningBudget: -1 },
  sampling: { ...neutral, seed: null },
  lora: [],
} as unknown as Chat['engineSettings']
const model = { id: 'tiny', description: 'llama 1M' } as Chat['model']

let folder: string
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-commands-'))
})
afterEach(() => fs.rmSync(folder, { recursive: true }))

function open(system?: string) {
  const output = new PassThrough({ encoding: 'utf8' })
  const chat: Chat = {
    conversation: new Conversation(system),
    settings: new ChatSettings(engineSettings, { thinking: 'on' }),
    screen: new Screen(output, noColours, new AbortController().signal),
    totals: new Totals(),
    ...{ model, engineSettings },
  }
  /** Does a command. @returns what was shown, and what is to be done then */
  const does = async (line: string) => {
    const outcome = await act(chat, line)
    const shown: string = output.read() ?? ''
    return { shown, outcome }
  }
  return { chat, does, conversation: chat.conversation }
}

function talk(conversation: Conversation): void {
  conversation.add({ role: 'user', content: 'one' })
  conversation.add({ role: 'assistant', content: 'first', reasoning: 'hm' })
  conversation.add({ role: 'user', content: 'two' })
  conversation.add({ role: 'assistant', content: 'second' })
}

describe('the command', () => {
  test('/help names each command, in 80 columns', async () => {
    const { does } = open()
    const { shown } = await does('/help')
    const known = [
      'help',
      'clear',
      'undo',
      'retry',
      'system',
      'set',
      'stats',
      'save',
      'load',
      'quit',
    ]
    expect(shown.match(/^\/\w+/gm)).toEqual(known.map((name) => `/${name}`))
    expect(shown.split('\n').filter((line) => line.length > 80)).toEqual([])
    expect((await does('/?')).shown).toBe(shown)
  })

  test('/clear begins anew, with the same system prompt', async () => {
    const { does, conversation } = open('Be kind.')
    talk(conversation)
    await does('/clear')
    expect(conversation.messages).toEqual([{ role: 'system', content: 'Be kind.' }])
  })

  test('/undo takes the last message back with its reply, until none is left', async () => {
    const { does, conversation } = open()
    talk(conversation)
    expect((await does('/undo')).shown).toBe('back: two\n')
    expect(conversation.length).toBe(2)
    expect((await does('/undo')).shown).toBe('back: one\n')
    expect((await does('/undo')).shown).toBe('nothing is left to take back\n')
    expect(conversation.messages).toEqual([])
  })

  test('/retry has the last message said again', async () => {
    const { does, conversation } = open()
    expect((await does('/retry')).shown).toBe('there is no message to answer again\n')
    talk(conversation)
    expect(await does('/retry')).toEqual({ shown: '', outcome: { say: 'two' } })
    expect(conversation.length).toBe(2)
  })

  test('/system tells, sets and takes away the system prompt', async () => {
    const { does, conversation } = open()
    expect((await does('/system')).shown).toBe('there is no system prompt\n')
    await does('/system Be  kind.\nAnd brief.')
    expect(conversation.messages).toEqual([{ role: 'system', content: 'Be  kind.\nAnd brief.' }])
    expect((await does('/system')).shown).toBe('system: Be  kind.\nAnd brief.\n')
    await does('/system ""')
    expect(conversation.messages).toEqual([])
  })

  test('/set sets, tells and lists', async () => {
    const { does, chat } = open()
    expect((await does('/set temperature 0.2')).shown).toBe('temperature 0.2  (set here)\n')
    expect(chat.settings.options).toMatchObject({ temperature: 0.2 })
    expect((await does('/set top-k')).shown).toBe('top-k 0\n')
    expect((await does('/set')).shown).toContain('temperature 0.2  (set here)\n')
    await expect(does('/set temperature hot')).rejects.toThrow("'temperature': expected a number")
  })

  test('/stats tells what all replies took', async () => {
    const { does, chat } = open()
    const times = {
      queueMs: 1,
      prefillMs: 1,
      parkedMs: 500,
      draftTokens: 0,
      draftAcceptedTokens: 0,
    }
    const timings = { ...times, decodeMs: 1500 }
    const usage = { promptTokens: 20, cachedTokens: 5, completionTokens: 11 }
    chat.totals.add({ usage, timings })
    chat.totals.add({ usage: { ...usage, promptTokens: 40, cachedTokens: 30 }, timings })
    const { shown } = await does('/stats')
    expect(shown).toContain('tiny (llama 1M)\n')
    expect(shown).toContain('51 of 2048 tokens after the last reply\n')
    expect(shown).toContain('2, 22 tokens, 10.0 tokens/s\n')
    expect(shown).toContain('60 tokens, 35 of them cached\n')
  })

  test.each(['/quit', '/exit', '/bye'])('%s leaves', async (line) => {
    expect(await open().does(line)).toEqual({ shown: '', outcome: 'quit' })
  })

  test.each([
    ['/hepl', 'did you mean /help?'],
    ['/etc/hosts is what?', '/help lists what there is'],
    ['/', '/help lists what there is'],
    ['/constructor', '/help lists what there is'],
  ])('%s is none, and what it may mean is told', async (line, hint) => {
    const { shown, outcome } = await open().does(line)
    expect(shown).toContain(hint)
    expect(shown).toContain('is no command')
    expect(outcome).toBeUndefined()
  })
})

describe('a conversation in a file', () => {
  test('is the one that was saved, with its system prompt', async () => {
    const one = open('Be kind.')
    talk(one.conversation)
    const file = path.join(folder, 'talk.json')
    expect((await one.does(`/save ${file}`)).shown).toBe(`5 messages written to ${file}\n`)
    expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toEqual(one.conversation.messages)
    const other = open('Be rude.')
    talk(other.conversation)
    expect((await other.does(`/load ${file}`)).shown).toBe('5 messages read\n')
    expect(other.conversation.messages).toEqual(one.conversation.messages)
    await one.does('/undo')
    expect((await one.does(`/save ${file}`)).shown).toBe(`3 messages written to ${file}\n`)
    if (process.platform !== 'win32') expect(fs.statSync(file).mode & 0o777).toBe(0o600)
  })

  test('may come from a client of OpenAI', async () => {
    const { does, conversation } = open('Be rude.')
    const file = path.join(folder, 'theirs.json')
    const parts = [{ type: 'text', text: 'Hello' }]
    fs.writeFileSync(file, JSON.stringify([{ role: 'user', content: parts }]))
    await does(`/load ${file}`)
    expect(conversation.system).toBeUndefined()
    expect(await does('/retry')).toEqual({ shown: '', outcome: { say: 'Hello' } })
  })

  test.each([
    ['no JSON', 'is no JSON'],
    ['{"role": "user"}', "'messages': expected an array"],
    ['[{"role": "robot", "content": "x"}]', "'messages[0].role': expected"],
  ])('that holds %s changes nothing', async (text, words) => {
    const { does, conversation } = open()
    talk(conversation)
    const file = path.join(folder, 'other.json')
    fs.writeFileSync(file, text)
    await expect(does(`/load ${file}`)).rejects.toThrow(words)
    expect(conversation.length).toBe(4)
    await expect(does(`/save ${file}`)).rejects.toThrow('is there already and is no conversation')
    expect(fs.readFileSync(file, 'utf8')).toBe(text)
  })

  test('that cannot be had is told', async () => {
    const { does, conversation } = open()
    await expect(does(`/load ${folder}/none`)).rejects.toThrow("'/load': expected a text")
    await expect(does(`/load ${os.devNull}`)).rejects.toThrow(`${os.devNull} is no file`)
    expect((await does('/save x')).shown).toBe('nothing was said yet\n')
    talk(conversation)
    await expect(does(`/save ${folder}/none/x`)).rejects.toThrow('cannot be written')
    expect((await does('/save')).shown).toContain('takes a file')
    expect((await does('/load')).shown).toContain('takes a file')
  })
})
