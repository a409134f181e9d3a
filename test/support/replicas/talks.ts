import { Deferred } from '../../../src/engine/deferred.js'
import { postJson } from '../serve.js'
import { textOf } from '../sse.js'

const chatPath = '/v1/chat/completions'

interface Message {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

/** How a request says whose it is: fields of its body, headers, or nothing. */
export interface Mark {
  readonly fields?: object
  readonly headers?: Record<string, string>
  readonly system?: string
}

/** What a conversation came to. */
export interface TalkSums {
  readonly promptTokens: number
  readonly cachedTokens: number
}

const words = ['dragon', 'river', 'castle', 'lantern', 'whale', 'garden', 'comet', 'violin']

/** A sentence that no other conversation has at the same place. */
function said(seed: number, turn: number): string {
  const pick = (i: number) => words[(seed * 7 + turn * 3 + i) % words.length]
  return `Story ${seed}, part ${turn}: tell me of the ${pick(0)}, the ${pick(1)} and the ${pick(2)}`
}

/** Turns one after the other, each with all that was said before. */
export async function talk(
  url: string,
  seed: number,
  turns: number,
  { fields = {}, headers = {}, system }: Mark = {},
): Promise<TalkSums> {
  const messages: Message[] = system === undefined ? [] : [{ role: 'system', content: system }]
  const sums = { promptTokens: 0, cachedTokens: 0 }
  for (let turn = 0; turn < turns; turn++) {
    messages.push({ role: 'user', content: said(seed, turn) })
    const body = { model: 'default', messages, max_tokens: 16, seed, ...fields }
    const response = await postJson(url, chatPath, body, headers)
    // biome-ignore lint/suspicious/noExplicitAny: of a reply, or of an error
    const answer: any = await response.json()
    if (response.status !== 200) throw new Error(JSON.stringify(answer))
    messages.push({ role: 'assistant', content: answer.choices[0].message.content })
    sums.promptTokens += answer.usage.prompt_tokens
    sums.cachedTokens += answer.usage.prompt_tokens_details?.cached_tokens ?? 0
  }
  return sums
}

/** How a reply came to its end, as a client of HTTP sees it. */
export type Ending =
  | { readonly kind: 'whole'; readonly text: string }
  /** An error of the protocol, with its code. */
  | { readonly kind: 'error'; readonly code: string }
  /** The connection ended before the reply did. */
  | { readonly kind: 'cut'; readonly text: string; readonly error: unknown }

export interface LongReply {
  /** Resolves with the first byte of its body. */
  readonly begun: Promise<void>
  readonly ending: Promise<Ending>
}

/** A reply of so many tokens. */
export function longReply(url: string, seed: number, tokens: number, isStream = true): LongReply {
  const begun = new Deferred<void>()
  const messages = [{ role: 'user', content: said(seed, 0) }]
  const body = { model: 'default', messages, max_tokens: tokens, seed, ignore_eos: true }
  const ending = postJson(url, chatPath, { ...body, stream: isStream }).then(
    (response) => read(response, isStream, () => begun.resolve()),
    (error: unknown): Ending => ({ kind: 'cut', text: '', error }),
  )
  return { begun: begun.promise, ending }
}

async function read(response: Response, isStream: boolean, begin: () => void): Promise<Ending> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const part of response.body ?? []) {
      begin()
      text += decoder.decode(part, { stream: true })
    }
  } catch (error) {
    return { kind: 'cut', text, error }
  }
  const [, code] = /"error":\{.*"code":"(\w+)"/.exec(text) ?? []
  if (code !== undefined) return { kind: 'error', code }
  if (!isStream) return { kind: 'whole', text: JSON.parse(text).choices[0].message.content }
  if (text.endsWith('data: [DONE]\n\n')) return { kind: 'whole', text: textOf(text) }
  return { kind: 'cut', text, error: undefined }
}
