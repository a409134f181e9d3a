import { expect, test } from 'vitest'
import { clientShapes } from '../../support/chats/client-shapes.js'
import { chatPath, closeAfterEach, postJson, serve } from '../../support/serve.js'

// What clients that people use send is taken.

closeAfterEach()

const taken = clientShapes.filter(({ lacks }) => lacks === undefined)
const refused = clientShapes.filter(({ lacks }) => lacks !== undefined)

test.each(taken)(
  'the requests of $client are answered as it expects',
  async ({ path = chatPath, body }) => {
    const { url } = await serve()
    const response = await postJson(url, path, body)
    expect([response.status, await response.text()]).toEqual([200, expect.any(String)])
  },
)

test.each(refused)(
  'the requests of $client are answered, with a note of what is lacking',
  async ({ path = chatPath, body, lacks }) => {
    const { url } = await serve()
    const response = await postJson(url, path, body)
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: { param: lacks } },
    ])
  },
)
