import type { EngineSettings, ModelInfo } from '../../api/types.js'
import { nearest } from '../../options/nearest.js'
import type { Conversation } from './conversation.js'
import { readMessages, saveMessages } from './saved.js'
import type { Screen } from './screen.js'
import type { ChatSettings } from './settings.js'
import { type Totals, totalsText } from './totals.js'

/** What commands work on. */
export interface Chat {
  readonly conversation: Conversation
  readonly settings: ChatSettings
  readonly screen: Screen
  readonly totals: Totals
  readonly model: ModelInfo
  readonly engineSettings: EngineSettings
}

/** What is to be done then: to leave, or to have a message answered. */
export type Outcome = 'quit' | { readonly say: string } | undefined

interface Command {
  /** In the help. */
  readonly argument: string
  readonly help: string
  act(chat: Chat, argument: string): Promise<Outcome>
}

const commands: Readonly<Record<string, Command>> = {
  help: {
    argument: '',
    help: 'tell what there is',
    act: async ({ screen }) => tell(screen, helpText),
  },
  clear: {
    argument: '',
    help: 'begin a new conversation; the system prompt stays',
    act: async ({ conversation, screen }) => {
      conversation.clear()
      await tell(screen, 'a new conversation')
    },
  },
  undo: {
    argument: '',
    help: 'take back your last message and its reply',
    act: async ({ conversation, screen }) => {
      const text = conversation.undo()
      await tell(screen, text === undefined ? 'nothing is left to take back' : `back: ${text}`)
    },
  },
  retry: {
    argument: '',
    help: 'have your last message answered again',
    act: async ({ conversation, screen }) => {
      const text = conversation.undo()
      if (text !== undefined) return { say: text }
      return tell(screen, 'there is no message to answer again')
    },
  },
  system: {
    argument: '[TEXT]',
    help: 'tell or set the system prompt; "" is none',
    act: setSystem,
  },
  set: {
    argument: '[NAME [VALUE]]',
    help: 'tell or set a sampling option; default unsets it',
    act: set,
  },
  stats: {
    argument: '',
    help: 'tell how many tokens there were, and how fast',
    act: async ({ screen, totals, conversation, model, engineSettings }) => {
      await tell(screen, totalsText(totals, conversation.length, model, engineSettings))
    },
  },
  save: {
    argument: 'FILE',
    help: 'write the conversation to a file, as JSON',
    act: async ({ conversation, screen }, file) => {
      const { messages } = conversation
      if (file === '') return tell(screen, '/save takes a file, as in: /save talk.json')
      if (messages.length === 0) return tell(screen, 'nothing was said yet')
      const at = await saveMessages(file, messages)
      return tell(screen, `${counted(messages.length)} written to ${at}`)
    },
  },
  load: {
    argument: 'FILE',
    help: 'go on with a conversation from a file',
    act: async ({ conversation, screen }, file) => {
      if (file === '') return tell(screen, '/load takes a file, as in: /load talk.json')
      conversation.replace(await readMessages(file))
      return tell(screen, `${counted(conversation.messages.length)} read`)
    },
  },
  quit: { argument: '', help: 'leave', act: async () => 'quit' },
}

const names = Object.keys(commands)

/** Words for the same that users of other programs know. */
const aliases: Readonly<Record<string, string>> = { exit: 'quit', bye: 'quit', '?': 'help' }

/**
 * Does what a line with a command says. @returns what is to be done then
 * @throws InvalidOptionError for an argument that is none
 */
export async function act(chat: Chat, line: string): Promise<Outcome> {
  const [, word = '', argument = ''] = /^\/(\S*)\s*([\s\S]*)$/.exec(line) ?? []
  const name = aliases[word] ?? word
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command !== undefined) return command.act(chat, argument.trim())
  const meant = nearest(word, names)
  const hint = meant === undefined ? '/help lists what there is' : `did you mean /${meant}?`
  const asText = 'with a space before it, it goes to the model'
  await chat.screen.warn(`/${word} is no command; ${hint} (${asText})`)
  return undefined
}

const helpText = [
  ...Object.entries(commands).map(([name, { argument, help }]) => {
    return `${`/${name} ${argument}`.padEnd(22)} ${help}`
  }),
  '',
  'A line that ends in \\ goes on in the next one. All between """ and """ is one',
  'message, and so is what you paste, which Enter sends. Ctrl-C stops a reply; at',
  'an empty prompt it leaves, as Ctrl-D does.',
].join('\n')

async function setSystem({ conversation, screen }: Chat, text: string): Promise<Outcome> {
  if (text === '') {
    const { system } = conversation
    return tell(screen, system === undefined ? 'there is no system prompt' : `system: ${system}`)
  }
  conversation.system = text === '""' ? undefined : text
  const words = text === '""' ? 'no system prompt' : 'the system prompt is set'
  return tell(screen, `${words}, from the next reply on`)
}

async function set({ settings, screen }: Chat, argument: string): Promise<Outcome> {
  const [name = '', ...rest] = argument.split(/\s+/)
  if (name === '') return tell(screen, settings.all.join('\n'))
  const value = rest.join(' ')
  if (value !== '') settings.set(name, value)
  return tell(screen, settings.shown(name))
}

async function tell(screen: Screen, words: string): Promise<undefined> {
  await screen.note(words)
  return undefined
}

function counted(messages: number): string {
  return messages === 1 ? '1 message' : `${messages} messages`
}
