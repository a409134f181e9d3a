/** The frames of an event stream, each without its blank line. */
export function framesOf(text: string): string[] {
  const frames = text.split('\n\n')
  if (frames.at(-1) === '') frames.pop()
  return frames
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

export interface Chunk {
  id: string
  object: string
  created: number
  model: string
  system_fingerprint: string
  choices: {
    index: number
    delta: { role?: string; content?: string }
    finish_reason: string | null
  }[]
  usage?: Usage | null
  error?: { message: string; type: string; param: string | null; code: string | null }
}

export interface Usage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
  prompt_tokens_details: { cached_tokens: number }
}
