import OpenAI from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { randomModel } from '../../support/models/random-model.js'
import { cpuMsOf } from '../../support/processor/cpu-time.js'
import { closeAfterEach } from '../../support/serve.js'
import { type ServedReal, serveReal } from '../../support/serve-real.js'

closeAfterEach()

const messages = [{ role: 'user', content: 'Say something' }]
const model = randomModel({ tokenizer: 'gpt-2', logitDeviation: 2, context: 4096, seed: 4 })
const open = () => serveReal({ model, parallel: 4, context: 1024 })

interface Body {
  error: { code: string | null; param: string | null; message: string; type: string }
  choices: { message: { content: string }; finish_reason: string }[]
}

async function ask({ url }: ServedReal, fields: object): Promise<{ status: number; body: Body }> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'default', messages, max_tokens: 800, seed: 5, ...fields }),
  })
  return { status: response.status, body: (await response.json()) as Body }
}

const person = {
  type: 'object',
  properties: { name: { type: 'string', maxLength: 9 }, age: { type: 'integer', minimum: 0 } },
  required: ['name', 'age'],
  additionalProperties: false,
}
const jsonSchema = (schema: unknown) => ({
  response_format: { type: 'json_schema', json_schema: { name: 'it', strict: true, schema } },
})

test('each way to ask for a form gives it, streamed too', async () => {
  const served = await open()
  const said = async (fields: object) => {
    const { status, body } = await ask(served, fields)
    expect(status).toBe(200)
    expect(body.choices[0]?.finish_reason).toBe('stop')
    return body.choices[0]?.message.content ?? ''
  }
  const isPerson = expect.objectContaining({ name: expect.any(String), age: expect.any(Number) })
  expect(JSON.parse(await said(jsonSchema(person)))).toEqual(isPerson)
  expect(JSON.parse(await said({ json_schema: person }))).toEqual(isPerson)
  const inside = { response_format: { type: 'json_object', schema: person } }
  expect(JSON.parse(await said(inside))).toEqual(isPerson)
  expect(await said({ grammar: 'root ::= [0-9]{7} "!"' })).toMatch(/^\d{7}!$/)
  expect(await said({ grammar: 'root ::= "a" | "b"', n: 2 })).toMatch(/^[ab]$/)

  const client = new OpenAI({ apiKey: 'x', baseURL: `${served.url}/v1` })
  const schema = z.object({
    city: z.string().max(12),
    kind: z.enum(['town', 'village']),
    share: z.number().min(0).max(1),
    next: z.union([z.literal('none'), z.object({ days: z.int().min(1).max(30) })]),
  })
  const stream = client.chat.completions.stream({
    model: 'default',
    messages: [{ role: 'user', content: 'A place' }],
    response_format: zodResponseFormat(schema, 'place'),
    seed: 3,
    max_tokens: 900,
  })
  const { choices } = await stream.finalChatCompletion()
  expect(choices[0]?.finish_reason).toBe('stop')
  expect(schema.parse(choices[0]?.message.parsed)).toEqual(choices[0]?.message.parsed)
})

test('json_object gives an object, or what was cut of one', async () => {
  const served = await open()
  const replies = await Promise.all(
    Array.from({ length: 12 }, (_, seed) =>
      ask(served, { response_format: { type: 'json_object' }, seed, temperature: 1.5 }),
    ),
  )
  const ended = replies.filter(({ body }) => body.choices[0]?.finish_reason === 'stop')
  expect(ended.length).toBeGreaterThan(0)
  for (const { body } of ended) {
    const value = JSON.parse(body.choices[0]?.message.content ?? '')
    expect(Object.prototype.toString.call(value)).toBe('[object Object]')
  }
})

const times = (text: string, count: number) => text.repeat(count)
const chain = Array.from({ length: 3000 }, (_, i) => `r${i} ::= r${i + 1} r${i + 1}`).join('\n')

test.each<[string, () => object, string, string]>([
  ['no grammar', () => ({ grammar: 'root = "a"' }), 'grammar', 'invalid_grammar'],
  [
    'groups 32,000 deep',
    () => ({ grammar: `root ::= ${times('(', 32_000)}"a"${times(')', 32_000)}` }),
    'grammar',
    'invalid_grammar',
  ],
  ['%llguidance', () => ({ grammar: '%llguidance {}\nstart: "a"' }), 'grammar', 'invalid_grammar'],
  [
    '64 KiB of alternatives',
    () => ({ grammar: `root ::= ${times('"a"|', 16_000)}"c"` }),
    'grammar',
    'invalid_grammar',
  ],
  ['{1,100000}', () => ({ grammar: 'root ::= "a"{1,100000}' }), 'grammar', 'invalid_grammar'],
  ['{5,3}', () => ({ grammar: 'root ::= "a"{5,3}' }), 'grammar', 'invalid_grammar'],
  [
    'repeated repetitions',
    () => ({ grammar: `root ::= ${times('"ab"{60000}', 5000)}` }),
    'grammar',
    'invalid_grammar',
  ],
  [
    'left recursion',
    () => ({ grammar: 'root ::= e root "b" | "c"\ne ::= "d"?' }),
    'grammar',
    'invalid_grammar',
  ],
  [
    'rules of rules',
    () => ({ grammar: `root ::= r0\n${chain}\nr3000 ::= "a"?` }),
    'grammar',
    'invalid_grammar',
  ],
  [
    'a schema that is itself',
    () => jsonSchema({ $ref: '#' }),
    'response_format.json_schema.schema.$ref',
    'invalid_schema',
  ],
  [
    'a schema that needs itself',
    () => jsonSchema({ type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] }),
    'response_format.json_schema.schema',
    'invalid_schema',
  ],
  [
    'a schema of many counters',
    () => ({
      json_schema: {
        type: 'object',
        properties: Object.fromEntries(
          Array.from({ length: 1100 }, (_, i) => [
            i,
            { type: 'array', minItems: 16_000, items: { const: i } },
          ]),
        ),
      },
    }),
    'json_schema',
    'invalid_schema',
  ],
  [
    'an unknown $ref',
    () => jsonSchema({ properties: { a: { $ref: 'file:///etc/passwd' } } }),
    'response_format.json_schema.schema.properties.a.$ref',
    'invalid_schema',
  ],
  [
    'a keyword that cannot be kept to',
    () => ({ json_schema: { type: 'array', uniqueItems: true } }),
    'json_schema.uniqueItems',
    'invalid_schema',
  ],
])(
  '%s is a 400 within a second of work, and the server goes on',
  async (_, fields, param, code) => {
    const served = await open()
    const cpuMs = await cpuMsOf(async () => {
      const { status, body } = await ask(served, fields())
      expect({ status, ...body.error }).toMatchObject({
        status: 400,
        type: 'invalid_request_error',
        param,
        code,
      })
    })
    expect(cpuMs).toBeLessThan(1000)
    expect(await ask(served, { grammar: 'root ::= "alive"' })).toMatchObject({
      status: 200,
      body: { choices: [{ message: { content: 'alive' }, finish_reason: 'stop' }] },
    })
    await served.quiet()
  },
)

test('two forms at once are refused by the name of the second', async () => {
  const served = await open()
  const both = { grammar: 'root ::= "a"', ...jsonSchema(person) }
  expect(await ask(served, both)).toMatchObject({
    status: 400,
    body: { error: { param: 'grammar' } },
  })
})

test('a reply that cannot go on, or goes on in too many ways, ends alone', async () => {
  const served = await open()
  const ambiguous = 'root ::= "a" root "b" | "a" root "c" | "a" root "d" | "e"'
  const running = ask(served, { grammar: 'root ::= [a-z ]{300} "."', max_tokens: 900 })
  const whole = { type: 'object', additionalProperties: false }
  const failing = [
    [{ grammar: 'root ::= "a"', ignore_eos: true }, 'grammar', 'invalid_grammar'],
    [
      { grammar: ambiguous, logit_bias: { 64: 100, 7252: 100, 24794: 100 } },
      'grammar',
      'invalid_grammar',
    ],
    [
      { ...jsonSchema(whole), ignore_eos: true },
      'response_format.json_schema.schema',
      'invalid_schema',
    ],
  ] as const
  const asked = failing.map(async ([fields, param, code]) => {
    const { status, body } = await ask(served, fields)
    const type = 'invalid_request_error'
    expect({ status, ...body.error }).toMatchObject({ status: 400, type, param, code })
  })
  await Promise.all(asked)
  const streamed = await fetch(`${served.url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ model: 'default', prompt: 'a', stream: true, ignore_eos: true },
      grammar: 'root ::= "b"{9}',
    }),
  })
  expect(streamed.status).toBe(200)
  const frames = (await streamed.text()).trim().split('\n\n')
  const last = JSON.parse(frames.at(-1)?.replace('data: ', '') ?? '')
  expect(last.error).toMatchObject({ code: 'invalid_grammar', param: 'grammar' })
  expect((await running).body.choices[0]?.message.content).toMatch(/^[a-z ]{300}\.$/)
  await served.quiet()
})
