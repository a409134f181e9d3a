import type { Turn } from '../models/turn-model.js'

/** What a scripted model says at one turn of an agent's task. */
export interface Step {
  text: string
  call?: Call
  /** What says in later prompts that this turn has been; by default its number, which it says. */
  mark?: string
}

export interface Call {
  name: string
  /** In the order of the tool's schema, which is the grammar's. */
  arguments: Record<string, unknown>
}

/** An agent's own tools, as far as the task needs them. */
export interface Toolbox {
  read(file: string): Call
  write(file: string, content: string): Call
  run(command: string): Call
}

/** How the model's template writes a call. */
export type CallFormat = (call: Call) => string

/** Templates whose calls are JSON between tags. */
export const jsonInTags: CallFormat = ({ name, arguments: all }) =>
  `<tool_call>\n${JSON.stringify({ name, arguments: all })}\n</tool_call>`

/** Templates whose arguments stand between tags, texts as they are. */
export const parametersInTags: CallFormat = ({ name, arguments: all }) => {
  const parameters = Object.entries(all).map(
    ([key, value]) => `<parameter=${key}>\n${textOf(value)}\n</parameter>\n`,
  )
  return `<tool_call>\n<function=${name}>\n${parameters.join('')}</function>\n</tool_call>`
}

/** Templates whose arguments are pairs of a name and a value. */
export const pairsInTags: CallFormat = ({ name, arguments: all }) => {
  const pairs = Object.entries(all).map(
    ([key, value]) => `<arg_key>${key}</arg_key>\n<arg_value>${textOf(value)}</arg_value>\n`,
  )
  return `<tool_call>${name}\n${pairs.join('')}</tool_call>`
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Ten turns that read, write and run, the sixth of which is too long for one reply. */
export function stepsOf({ read, write, run }: Toolbox, folder: string): Step[] {
  const at = (name: string) => `${folder}/${name}`
  const list = Array.from({ length: 200 }, (_, i) => `${i + 1}. a line of the long list`)
  return [
    { text: 'I read the notes first.', call: read(at('notes.txt')) },
    { text: 'Now I look around.', call: run('ls') },
    { text: 'I write a summary.', call: write(at('summary.md'), '# Summary\n\nThree "facts".\n') },
    { text: 'I look at it again.', call: read(at('summary.md')) },
    { text: 'I count its lines.', call: run('wc -l summary.md') },
    { text: 'I write the whole list.', call: write(at('list.md'), list.join('\n')) },
    { text: 'That was too long, so I write less.', call: write(at('list.md'), 'é, 漢字, 🦊\n') },
    { text: 'Did it work?', call: run('cat list.md') },
    { text: 'I make a folder.', call: run('mkdir done && echo made') },
    { text: 'All that was asked is done: "summary.md" and "list.md" are there.' },
  ]
}

/** The mark that a turn leaves in the conversation. */
export function markOf(turn: number): string {
  return `[turn ${String(turn + 1).padStart(2, '0')}]`
}

/** As a model says them. */
export function turnsOf(steps: readonly Step[], format: CallFormat): Turn[] {
  return steps.map(({ text, call, mark }, turn) => {
    const said = mark === undefined ? `${markOf(turn)} ${text}` : text
    const reply = call === undefined ? said : `${said}\n${format(call)}`
    return { mark: mark ?? markOf(turn), reply }
  })
}
