import { describe, expect, test } from 'vitest'
import { closeAfterEach, serve } from '../../support/serve.js'
import { askResponse, responsesPath, type WireResponse } from '../../support/wire/responses.js'

// Wrong requests for a response that is kept, each with all that its client is told.

closeAfterEach()

interface Wrong {
  readonly what: string
  /** Behind the path of all responses; {id} is that of the one that is kept. */
  readonly path: string
  readonly method: string
  readonly headers?: Record<string, string>
  readonly status: number
  readonly code: string | null
  readonly param?: string
  readonly message: string
}

const mine = { authorization: 'Bearer one' }

function unknown(method: string, below: string): Wrong[] {
  const gone = { method, status: 404, code: 'response_not_found' }
  const message = (id: string) => {
    return `There is no response '${id}'; expected the id of one that is still kept.`
  }
  const others = { authorization: 'Bearer two' }
  const long = 'r'.repeat(300)
  return [
    { ...gone, what: 'that there is not', path: `resp_1${below}`, message: message('resp_1') },
    {
      ...gone,
      what: "of another's",
      path: `{id}${below}`,
      headers: others,
      message: message('{id}'),
    },
    {
      ...gone,
      what: 'whose name is long',
      path: `${long}${below}`,
      message: message(long.slice(0, 100)),
    },
    {
      ...gone,
      what: 'whose name is cut',
      path: `resp_%${below}`,
      message: message('resp_%'),
    },
  ]
}

function unasked(method: string, below: string): Wrong[] {
  const refused = { method, path: `{id}${below}`, status: 401, code: 'invalid_api_key' }
  return [
    {
      ...refused,
      what: 'without a key',
      headers: {},
      message: 'Expected the header Authorization: Bearer YOUR_API_KEY.',
    },
    {
      ...refused,
      what: 'with a wrong key',
      headers: { authorization: 'Bearer three' },
      message: 'The API key is not one of this server.',
    },
  ]
}

const otherMethod = (method: string, path: string, allowed: string): Wrong => ({
  what: 'by another method',
  method,
  path,
  status: 405,
  code: 'method_not_allowed',
  message: `Expected ${allowed} at ${responsesPath}/${path}, but got ${method}.`,
})

const wrongQuery = (param: string, query: string, expected: string, got: string): Wrong => ({
  what: `with ${query}`,
  method: 'GET',
  path: `{id}/input_items?${query}`,
  status: 400,
  code: null,
  param,
  message: `'${param}': expected ${expected}, but got ${got}.`,
})

const streamed: Wrong = {
  what: 'that is to be streamed',
  method: 'GET',
  path: '{id}?stream=true',
  status: 400,
  code: null,
  param: 'stream',
  message: "'stream': expected false, as a response that is kept has ended, but got true.",
}

const endpoints: Readonly<Record<string, readonly Wrong[]>> = {
  'GET /v1/responses/{id}': [...unknown('GET', ''), ...unasked('GET', ''), streamed],
  'DELETE /v1/responses/{id}': [
    ...unknown('DELETE', ''),
    ...unasked('DELETE', ''),
    otherMethod('PUT', '{id}', 'GET, HEAD, DELETE'),
  ],
  'GET /v1/responses/{id}/input_items': [
    ...unknown('GET', '/input_items'),
    ...unasked('GET', '/input_items'),
    otherMethod('DELETE', '{id}/input_items', 'GET, HEAD'),
    wrongQuery('order', 'order=up', '"asc" or "desc"', '"up"'),
    wrongQuery('limit', 'limit=0', 'a whole number from 1 to 100', '"0"'),
    wrongQuery('limit', 'limit=101', 'a whole number from 1 to 100', '"101"'),
    wrongQuery('limit', 'limit=x', 'a whole number from 1 to 100', '"x"'),
    wrongQuery('after', 'after=it', 'the id of an item of the input', '"it"'),
  ],
}

describe.each(Object.entries(endpoints))('a wrong request for %s', (_, wrongs) => {
  test.each(wrongs.map((wrong) => [wrong.what, wrong] as const))('%s', async (_, wrong) => {
    const { url } = await serve({ server: { responseStore: 4, apiKeys: ['one', 'two'] } })
    const made = await askResponse(url, { input: 'A' }, mine)
    const { id } = (await made.json()) as WireResponse
    const path = wrong.path.replace('{id}', id)
    const { method, headers = mine } = wrong
    const response = await fetch(`${url}${responsesPath}/${path}`, { method, headers })
    expect(response.status).toBe(wrong.status)
    const { code, param = null, status } = wrong
    const type = status === 401 ? 'authentication_error' : 'invalid_request_error'
    const message = wrong.message.replace('{id}', id)
    expect(await response.json()).toEqual({ error: { message, type, param, code } })
    // What was refused has changed nothing.
    const kept = await fetch(`${url}${responsesPath}/${id}`, { headers: mine })
    expect(kept.status).toBe(200)
  })
})

test('there are seven wrong requests at least for each endpoint', () => {
  for (const wrongs of Object.values(endpoints)) expect(wrongs.length).toBeGreaterThanOrEqual(7)
})

test.each(['GET', 'DELETE'])(
  'a response that was deleted is no more to be had by %s',
  async (method) => {
    const { url } = await serve({ server: { responseStore: 4 } })
    const { id } = (await (await askResponse(url, { input: 'A' })).json()) as WireResponse
    await fetch(`${url}${responsesPath}/${id}`, { method: 'DELETE' })
    const gone = await fetch(`${url}${responsesPath}/${id}`, { method })
    expect([gone.status, await gone.json()]).toMatchObject([
      404,
      { error: { message: expect.stringContaining(`There is no response '${id}'; expected`) } },
    ])
  },
)
