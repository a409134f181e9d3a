import { type CaseName, cases } from './cases.js'
import { pieces, type Wire } from './frames.js'
import type { Asked } from './scripted-server.js'

/** What a client's caller saw. */
export interface Seen {
  readonly text: string
  /** Of each call, its arguments. */
  readonly calls?: readonly string[]
  /** Events or chunks that are none of a text or call, handed on all the same. */
  readonly others?: readonly string[]
  /** Errors that came as parts of the stream. */
  readonly parts?: readonly string[]
  readonly finish?: string
  readonly error?: string
  /** By Date.now(). */
  readonly abortedAt?: number
  /** Of an agent: all that it printed. */
  readonly output?: string
}

/** What one way of a client did in one case. */
export interface Observed {
  readonly client: string
  readonly wire: Wire
  /** '' where it has only one. */
  readonly way: string
  readonly name: CaseName
  readonly seen: Seen
  readonly asked: readonly Asked[]
}

const whole = pieces.join('')
/** How long a client may take to close what it leaves: many times what it took. */
const leaveMs = 2000
/** What may pass beside a wait that was asked for. */
const lateSeconds = 20
const errorChars = 72

/** What was seen, in words that are the same each time. */
export function wordsOf(observed: Observed): string {
  const { name, seen, asked } = observed
  if (name === 'retry-3') return retryWords(3, observed)
  if (name === 'retry-75') return retryWords(75, observed)
  if (name === 'abort') return leavingWords(observed)
  if (seen.output !== undefined) return agentWords(seen, asked)
  const { text, calls = [], others = [], parts = [], finish, error } = seen
  const isWhole = text === whole && isGood(finish) && calls.length + others.length === 0
  if (isWhole && error === undefined && parts.length === 0) return 'has the whole text'
  const words = [
    ...(text === '' ? [] : [code(text)]),
    ...calls.map((call) => `a call with ${callWords(call)}`),
    ...others.map((one) => `${code(one)} handed on`),
    ...new Set(parts.map((part) => `an error part ${code(shortened(part))}`)),
    ...(finish === undefined ? [] : [`finish ${code(finish)}`]),
    ...(error === undefined ? [] : [`throws ${code(shortened(error))}`]),
  ]
  if (finish === undefined && error === undefined) words.push('ends without an error')
  return words.join(', ')
}

function isGood(finish: string | undefined): boolean {
  return ['stop', 'completed', 'end_turn'].includes(finish ?? '')
}

function retryWords(seconds: number, { asked, seen }: Observed): string {
  const [first, second] = asked
  if (first === undefined || second === undefined) {
    const what = seen.error ?? seen.parts?.[0]
    return `does not ask again${what === undefined ? '' : `: ${code(shortened(what))}`}`
  }
  const waited = (second.at - first.at) / 1000
  if (waited < seconds - 0.1) return 'asks again after a pause of its own'
  return waited < seconds + lateSeconds ? `asks again after ${seconds} s` : 'asks again later'
}

function leavingWords({ asked, seen }: Observed): string {
  const { leftAt } = asked[0] ?? {}
  if (leftAt === undefined || seen.abortedAt === undefined) return 'its connection stays open'
  const isSoon = leftAt - seen.abortedAt < leaveMs
  const closes = isSoon ? 'closes the connection at once' : 'closes the connection late'
  if (seen.error !== undefined) return `${closes}, throws ${code(shortened(seen.error))}`
  return `${closes}, ${seen.finish ?? 'ends without an error'}`
}

/** What an agent printed, whether it asked the same again, and what became of a call. */
function agentWords({ text, output = '' }: Seen, asked: readonly Asked[]): string {
  const [exit = 'exit 0'] = /exit \w+$/.exec(output.trim()) ?? []
  const ended = exit === 'exit SIGKILL' ? 'has no end' : exit
  const requests = asked.map(({ body }) => JSON.parse(body) as AgentRequest)
  const told = toldOfCall(requests.at(-1))
  // Some go on from an answer by themselves, with fewer tools: that is not the turn again.
  const isAgain = requests.slice(1).some(({ tools }) => tools.length === requests[0]?.tools.length)
  if (ended === 'exit 0' && text === whole && told === '' && !isAgain) return 'has the whole text'
  const words = [
    ...(told === '' ? [] : [told]),
    ...(isAgain && told === '' ? ['asks again'] : []),
    ...(told !== '' ? [] : [text === '' ? 'has nothing of the text' : `has ${code(text)}`]),
    ...(ended === 'exit 0' ? [] : [ended]),
  ]
  return words.join(', ')
}

/** As much of a message or item as is looked at, of whichever wire. */
interface Talk {
  readonly tool_calls?: readonly { readonly function: { readonly arguments: string } }[]
  readonly content?: string | Content[] | null
  readonly role?: string
}

interface Content {
  readonly type: string
  readonly text?: string
  readonly input?: object
  readonly content?: string
}

interface AgentRequest {
  readonly tools: readonly object[]
  /** Of a chat or a Message. */
  readonly messages?: readonly Talk[]
}

/** What an agent made of the call that was cut, and what it told the model of it. */
function toldOfCall({ messages: all = [] }: Partial<AgentRequest> = {}): string {
  const parts = all.flatMap(({ content }) => (Array.isArray(content) ? content : []))
  const ofChat = all.flatMap(({ tool_calls = [] }) => tool_calls)
  const used = parts.find(({ type }) => type === 'tool_use')?.input
  const json = ofChat[0]?.function.arguments ?? (used && JSON.stringify(used))
  if (json === undefined) return ''
  const answer = all.find(({ role }) => role === 'tool')?.content
  const inParts = Array.isArray(answer) ? answer[0]?.text : answer
  const result = inParts ?? parts.find(({ type }) => type === 'tool_result')?.content ?? ''
  const told = shortened(result.replace(/\s+/g, ' '))
  return `takes the call for ${code(json)}, tells the model ${code(told)}`
}

function callWords(call: string): string {
  const [, json = call, more = ''] = /^(.*?)( \((?!valid).*\))?(?: \(valid\))?$/.exec(call) ?? []
  return `${code(json)}${more}`
}

function shortened(error: string): string {
  if (error.startsWith('{"')) return `{ message: ${(JSON.parse(error) as Error).message} }`
  const [line = ''] = error.split(/(?<=failed): Value| Troubleshooting URL/)
  return line.length > errorChars ? `${line.slice(0, errorChars)}...` : line
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``
}

const columns: readonly [Wire, string][] = [
  ['chat', 'chat completions'],
  ['responses', 'Responses'],
  ['messages', 'Messages'],
]

/** The table of a case: a line for each thing that was seen, and whose it is by their wire. */
export function tableOf(name: CaseName, all: readonly Observed[]): string {
  const of = all.filter((one) => one.name === name)
  const shown = columns.filter(([wire]) => of.some((one) => one.wire === wire))
  const lines = [...new Set(of.map(wordsOf))].sort()
  const head = ['what is seen', ...shown.map(([, title]) => title)]
  const rows = lines.map((words) => {
    const cells = shown.map(([wire]) => {
      const inWire = of.filter((one) => one.wire === wire)
      return clientsOf(inWire, (one) => wordsOf(one) === words)
    })
    return [words, ...cells]
  })
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}

/** Which clients, and which of their ways where it is not all of them. */
function clientsOf(all: readonly Observed[], isMeant: (one: Observed) => boolean): string {
  const names = [...new Set(all.map(({ client }) => client))]
  const told = names.flatMap((client) => {
    const ways = all.filter((one) => one.client === client)
    const meant = ways.filter(isMeant)
    if (meant.length === 0) return []
    if (meant.length === ways.length) return [client]
    const named = meant.map(({ way }) => way.replace(/ of responses$/, ''))
    return [`${client}'s ${named.join(', ')}`]
  })
  return told.length === 0 ? '-' : told.join('; ')
}

/** All tables, each under its case's heading, as docs/clients.md has them. */
export function tablesOf(all: readonly Observed[]): Map<string, string> {
  const names = Object.keys(cases) as CaseName[]
  return new Map(names.map((name) => [cases[name].title, tableOf(name, all)]))
}
