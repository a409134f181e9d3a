import { describe, expect, test } from 'vitest'
import { chat, closeAfterEach, serve, story } from '../../support/serve.js'
import { wireCheck } from '../../support/wire/checks.mjs'

// Wrong requests, each answered with the path of the field at fault. (errors.test.ts has what is
// wrong with a body as a whole.)

closeAfterEach()

const user = { role: 'user', content: 'hi' }
const text = { type: 'text', text: 'hi' }

const wrong: [body: object, param: string][] = [
  [{ model: 7 }, 'model'],
  [{ messages: undefined }, 'messages'],
  [{ messages: [] }, 'messages'],
  [{ messages: { role: 'user' } }, 'messages'],
  [{ messages: [user, 'hi'] }, 'messages[1]'],
  [{ messages: [user, { role: 'wizard', content: 'hi' }] }, 'messages[1].role'],
  [{ messages: [{ role: 'user', content: 7 }] }, 'messages[0].content'],
  [{ messages: [{ role: 'system', content: null }] }, 'messages[0].content'],
  [
    { messages: [user, user, { role: 'user', content: [text, { type: 'text', text: 7 }] }] },
    'messages[2].content[1].text',
  ],
  [
    { messages: [{ role: 'user', content: [text, { type: 'video', video: '' }] }] },
    'messages[0].content[1].type',
  ],
  [{ temperature: 100.1 }, 'temperature'],
  [{ temperature: '1' }, 'temperature'],
  [{ top_p: -0.1 }, 'top_p'],
  [{ frequency_penalty: 3 }, 'frequency_penalty'],
  [{ presence_penalty: [] }, 'presence_penalty'],
  [{ max_tokens: -2 }, 'max_tokens'],
  [{ max_completion_tokens: 1.5 }, 'max_completion_tokens'],
  [{ stop: Array.from({ length: 17 }, String) }, 'stop'],
  [{ stop: ['a', 7] }, 'stop[1]'],
  [{ seed: 'seven' }, 'seed'],
  [{ logit_bias: { 7: 101 } }, 'logit_bias.7'],
  [{ logit_bias: { fox: 1 } }, 'logit_bias'],
  [{ stream: 'yes' }, 'stream'],
  [{ stream: false, stream_options: { include_usage: true } }, 'stream_options'],
  [{ stream_options: { include_usage: 1 } }, 'stream_options.include_usage'],
  [{ n: 0 }, 'n'],
  [{ n: 5 }, 'n'],
  [{ n: 1.5 }, 'n'],
  [{ n: 1e9 }, 'n'],
  [{ logprobs: 'yes' }, 'logprobs'],
  [{ logprobs: true, top_logprobs: 21 }, 'top_logprobs'],
  [{ logprobs: true, top_logprobs: -1 }, 'top_logprobs'],
  [{ top_logprobs: 5 }, 'top_logprobs'],
  [{ logprobs: false, top_logprobs: 5 }, 'top_logprobs'],
  [{ top_k: -2 }, 'top_k'],
  [{ min_p: 2 }, 'min_p'],
  [{ cache_salt: '' }, 'cache_salt'],
]

describe(wireCheck(21), () => {
  test.each(wrong)('%j is a 400 at its place', async (more, param) => {
    const { url, native } = await serve()
    const response = await chat(url, story(more))
    expect(response.status).toBe(400)
    const { error } = (await response.json()) as { error: { message: string } }
    expect(error).toMatchObject({ type: 'invalid_request_error', param, code: null })
    expect(error.message).toMatch(/expected .+, but got .+\.$/)
    expect(native.submitted).toEqual([])
  })
})
