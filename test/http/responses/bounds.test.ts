import { describe, expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { closeAfterEach, postJson, serve, stepUntil } from '../../support/serve.js'
import { askResponse, keeping, respond, responsesPath } from '../../support/wire/responses.js'

// What a request names of earlier responses is bounded as if it had been sent itself.

closeAfterEach()

const mib = 2 ** 20

describe('a reference to an item', () => {
  test('stands once in an input: a few bytes could ask for thousands of copies', async () => {
    const { url, native } = await serve({ server: keeping })
    const { output } = await respond(url, { input: 'A' })
    const reference = { type: 'item_reference', id: output[0]?.id }
    const user = { role: 'user', content: 'B' }
    const response = await askResponse(url, { input: [reference, user, reference] })
    expect(response.status).toBe(400)
    const expected = `expected an item that is referred to once, but got "${reference.id}"`
    const error = { param: 'input[2]', message: `'input[2]': ${expected}.` }
    expect(await response.json()).toMatchObject({ error })
    expect(native.submitted).toHaveLength(1)
  })

  test('is refused where its response is more than a request may have', async () => {
    const script = () => ({ tokens: ['x'.repeat(3000)] })
    const { url } = await serve({ server: { ...keeping, bodyBytesMax: 4000 }, script })
    const ids: (string | undefined)[] = []
    for (const input of ['A', 'B']) ids.push((await respond(url, { input })).output[0]?.id)
    const references = ids.map((id) => ({ type: 'item_reference', id }))
    expect((await askResponse(url, { input: [references[0]] })).status).toBe(200)
    const both = await askResponse(url, { input: references })
    expect(both.status).toBe(413)
    expect(await both.json()).toMatchObject({ error: { code: 'body_too_large', param: 'input' } })
  })

  test('may have as much as what the request follows leaves', async () => {
    const script = () => ({ tokens: ['x'.repeat(3000)] })
    const { url } = await serve({ server: { ...keeping, bodyBytesMax: 4000 }, script })
    const first = await respond(url, { input: 'A' })
    const second = await respond(url, { input: 'B' })
    const input = [{ type: 'item_reference', id: first.output[0]?.id }]
    const response = await askResponse(url, { input, previous_response_id: second.id })
    expect(response.status).toBe(413)
  })
})

test('what is followed counts among the text that waits for the tokenizer', async () => {
  const { url, native } = await serve({ server: { ...keeping, bodyBytesMax: 1000 } })
  const { id: previous_response_id } = await respond(url, { input: 'x'.repeat(500) })
  const held: (() => void)[] = []
  native.onTextJob = (_, answer) => held.push(answer)
  const count = () => {
    return postJson(url, `${responsesPath}/input_tokens`, { input: 'B', previous_response_id })
  }
  const waiting = [count(), count()]
  await eventually(() => held.length === 2)
  expect((await count()).status).toBe(429)
  for (const go of held.splice(0)) go()
  for (const one of waiting) expect((await one).status).toBe(200)
})

test('what is followed counts among the memory of large requests under way', async () => {
  const server = { responseStore: 99, bodyBytesMax: 2 * mib }
  const { url, native } = await serve({ server, pace: 'manual' })
  const first = respond(url, { input: 'x'.repeat(1.5 * mib) })
  await stepUntil(native, () => native.stats().finished === 1)
  const { id: previous_response_id } = await first
  const follow = () => askResponse(url, { input: 'B', previous_response_id })
  const waiting = Array.from({ length: 10 }, follow) // of 16 MiB, 15 in all
  await eventually(() => native.submitted.length === 11)
  const refused = await follow()
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1'])
  await stepUntil(native, () => native.stats().finished === 11)
  for (const one of waiting) expect((await one).status).toBe(200)
  const again = follow()
  await stepUntil(native, () => native.stats().finished === 12)
  expect((await again).status).toBe(200)
})

test('a response too large to be kept leaves those of others where they are', async () => {
  const { url } = await serve({ server: { ...keeping, responseStoreBytes: 10_000 } })
  const { id } = await respond(url, { input: 'A' })
  const large = await respond(url, { input: 'x'.repeat(10_000) })
  const status = async (one: string) => (await fetch(`${url}${responsesPath}/${one}`)).status
  expect([await status(id), await status(large.id)]).toEqual([200, 404])
})
