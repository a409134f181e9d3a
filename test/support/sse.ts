/** The frames of an event stream, each without its blank line. */
export function framesOf(text: string): string[] {
  const frames = text.split('\n\n')
  if (frames.at(-1) === '') frames.pop()
  return frames
}

/** The names of the frames' events. Those of a chat have none: they are chunks, and an error. */
export function eventsOf(text: string): string[] {
  return framesOf(text).map((frame) => {
    const [, name] = /^event: (\S+)$/m.exec(frame) ?? []
    return name ?? (frame.startsWith('data: {"error"') ? 'error' : 'chunk')
  })
}

/** What the `data:` frames carry, [DONE] left out. */
export function chunksOf(text: string): Chunk[] {
  return framesOf(text)
    .filter((frame) => frame.startsWith('data: ') && frame !== 'data: [DONE]')
    .map((frame) => JSON.parse(frame.slice('data: '.length)) as Chunk)
}

/** The reply's text, put together from its deltas. */
export function textOf(text: string): string {
  return chunksOf(text)
    .map((chunk) => chunk.choices?.[0]?.delta.content ?? '')
    .join('')
}

/** The texts of all choices, put together from their deltas. */
export function textsOf(text: string): string[] {
  const texts: string[] = []
  for (const { index, delta } of chunksOf(text).flatMap(({ choices }) => choices)) {
    texts[index] = (texts[index] ?? '') + (delta.content ?? '')
  }
  return texts
}

export interface Chunk {
  id: string
  object: string
  created: number
  model: string
  system_fingerprint: string
  choices: {
    index: number
    delta: { role?: string; content?: string }
    logprobs?: { content: WireLogprob[]; refusal: null }
    finish_reason: string | null
  }[]
  usage?: Usage | null
  error?: { message: string; type: string; param: string | null; code: string | null }
}

/** One entry of `logprobs.content`. */
export interface WireLogprob {
  token: string
  logprob: number
  bytes: number[]
  top_logprobs: Omit<WireLogprob, 'top_logprobs'>[]
}

export interface Usage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
  prompt_tokens_details: { cached_tokens: number }
}
