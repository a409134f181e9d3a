import { Type } from '@sinclair/typebox'
import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import * as v from 'valibot'
import { afterEach, describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import * as zm from 'zod/mini'
import { z as z3 } from 'zod/v3'
import { useBinding } from '../../src/binding/binding.js'
import type { NativeChat, NativeRequest } from '../../src/binding/engine-port.js'
import { CompiledSchema, type Engine, load, type Reply } from '../../src/index.js'
import { FakeAddon, type FakeOptions } from '../support/fake-binding.js'

// The value of a reply, of the type of its schema: whichever library made that.

const ask = [{ role: 'user' as const, content: 'x' }]
let engine: Engine | undefined
afterEach(async () => {
  await engine?.close()
  engine = undefined
  useBinding(undefined)
})

/** An engine that answers with that text. */
async function answering(text: string, script: object = {}) {
  const addon = new FakeAddon({ script: () => ({ tokens: [text], ...script }) } as FakeOptions)
  useBinding(addon)
  engine = await load()
  return { engine, addon }
}

const mia = '{"name":"Mia","age":"7"}'
const plain = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'string' } },
  required: ['name', 'age'],
}
const zod = z.object({
  name: z.string(),
  age: z.string().transform(Number),
  kin: z.int().default(2),
})
const mini = zm.object({ name: zm.string(), age: zm.string() })
const valibot = v.object({ name: v.string(), age: v.pipe(v.string(), v.transform(Number)) })
const standardValibot = toStandardJsonSchema(valibot)
const arktype = type({ name: 'string', age: 'string' })
const typebox = Type.Object({ name: Type.String(), age: Type.String() })

/** Who tells a JSON Schema by the standard, and nothing else. */
const standardAlone = {
  '~standard': {
    version: 1 as const,
    vendor: 'mine',
    validate: (value: unknown) => Promise.resolve({ value: [value] }),
    jsonSchema: { input: () => plain },
    types: undefined as { input: unknown; output: [object] } | undefined,
  },
}
/** The same of an older dialect only. */
const draft7 = {
  '~standard': {
    ...standardAlone['~standard'],
    jsonSchema: {
      input: ({ target }: { target: string }) => {
        if (target !== 'draft-07') throw new Error('another target')
        return plain
      },
    },
  },
}
const olderArktype = Object.assign(() => undefined, {
  '~standard': { version: 1, vendor: 'arktype', validate: (value: unknown) => ({ value }) },
  toJsonSchema: () => plain,
})

describe('object() is the value of the reply', () => {
  const was = { name: 'Mia', age: '7' }
  test.each<[string, object, unknown]>([
    ['a JSON Schema', plain, was],
    ['zod', zod, { name: 'Mia', age: 7, kin: 2 }],
    ['zod/mini', mini, was],
    ['Valibot', standardValibot, { name: 'Mia', age: 7 }],
    ['ArkType', arktype, was],
    ['an older ArkType', olderArktype, was],
    ['TypeBox', typebox, was],
    ['the standard alone', standardAlone, [was]],
    ['an older dialect', draft7, [was]],
    ['a compiled schema', new CompiledSchema(plain), was],
    ['a compiled schema of zod', new CompiledSchema(zod), { name: 'Mia', age: 7, kin: 2 }],
  ])('by %s', async (_, schema, value) => {
    const { engine, addon } = await answering(mia)
    expect(await engine.chat(ask, { schema }).object()).toEqual(value)
    expect(await engine.complete('x', { schema, n: 2 }).objects()).toEqual([value, value])
    const { grammar } = addon.engine.submitted[0] ?? {}
    expect(grammar).toContain('\\"name\\"')
    expect(grammar).toContain('\\"age\\"')
  })

  test('each time, also after an iteration, beside the text', async () => {
    const { engine } = await answering(mia)
    const reply = engine.chat(ask, { schema: zod })
    for await (const _ of reply) expect(await reply.object()).toMatchObject({ age: 7 })
    expect(await reply.object()).toMatchObject({ age: 7 })
    expect((await reply.done).text).toBe(mia)
    expect((await reply.done).choices[0]?.text).toBe(mia)
  })

  test('by json, or whatever JSON there is', async () => {
    const { engine } = await answering(mia)
    expect(await engine.chat(ask, { json: true }).object()).toEqual(was)
    expect(await engine.chat(ask).object()).toEqual(was)
  })

  test('of the schema’s type', async () => {
    const { engine } = await answering(mia)
    const typed = engine.chat(ask, { schema: zod, maxTokens: 9 })
    expectTypeOf(typed.object).returns.resolves.toEqualTypeOf<z.output<typeof zod>>()
    expectTypeOf(engine.complete('x', { schema: arktype }).object).returns.resolves.toEqualTypeOf<
      typeof arktype.infer
    >()
    expectTypeOf(
      engine.chat(ask, { schema: standardValibot }).object,
    ).returns.resolves.toEqualTypeOf<v.InferOutput<typeof valibot>>()
    const compiled = new CompiledSchema(zod)
    expectTypeOf(engine.chat(ask, { schema: compiled }).object).returns.resolves.toEqualTypeOf<
      z.output<typeof zod>
    >()
    expectTypeOf(engine.chat(ask, { schema: plain }).object).returns.resolves.toBeUnknown()
    expectTypeOf(engine.chat(ask)).toEqualTypeOf<Reply>()
    // @ts-expect-error a name that is no option, also beside a schema
    expect(() => engine.chat(ask, { schema: zod, maxToken: 9 })).toThrow('maxTokens')
    await typed.done
  })
})

describe('a schema that tells no JSON Schema is refused, with what to do', () => {
  test.each<[string, object, string]>([
    ['zod 3', z3.object({ a: z3.string() }), 'make it with zod 4'],
    ['an old zod 3', Object.create({ _def: {}, parse: () => 1 }), 'make it with zod 4'],
    ['Valibot', valibot, 'give toStandardJsonSchema(schema)'],
    [
      'ArkType before 2.1.28',
      { '~standard': { vendor: 'arktype', validate: () => 1 } },
      'update arktype to 2.1.28 or later',
    ],
    [
      'another',
      { '~standard': { vendor: 'mine', validate: () => 1 } },
      "give the JSON Schema that its library's converter makes of it",
    ],
    ['zod, of a date', z.object({ a: z.date() }), 'Date cannot be represented in JSON Schema'],
  ])('%s', async (_, schema, words) => {
    const { engine } = await answering(mia)
    expect(() => engine.chat(ask, { schema })).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_SCHEMA',
        path: 'schema',
        message: expect.stringContaining(words),
      }),
    )
  })
})

test.each(['{"_zod":{"def":{"type":"any"}}}', '{"_zod":1}', '{"~standard":{}}', '{"_def":{}}'])(
  'JSON that looks like an object of a library is a JSON Schema: %s',
  (more) => {
    const schema = { type: 'object', required: ['a'], properties: { a: { const: 1 } } }
    const { grammar } = new CompiledSchema({ ...schema, ...JSON.parse(more) })
    expect(grammar).toBe(new CompiledSchema(schema).grammar)
  },
)

describe('object() rejects', () => {
  test.each<[string, string, object, string]>([
    ['cut by maxTokens', '{"a', { end: 'length' }, 'cut by maxTokens; raise it'],
    ['no JSON', 'Once', {}, 'but got "Once"; ask for it with the option schema or json'],
    ['a number that may go on', '12', { end: 'length' }, 'cut by maxTokens'],
    [
      'calls of tools',
      '',
      {
        end: 'tool_calls',
        tokens: [{ toolCalls: [{ index: 0, id: 'c', name: 'a', arguments: '{}' }] }],
      },
      'read done.toolCalls',
    ],
  ])('where there is none: %s', async (_, text, script, words) => {
    const { engine } = await answering(text, script)
    const reply = engine.chat(ask, {
      maxTokens: 'end' in script && script.end === 'length' ? 1 : 9,
    })
    await expect(reply.object()).rejects.toMatchObject({
      name: 'InvalidReplyError',
      code: 'ERR_INVALID_REPLY',
      text,
      message: expect.stringContaining(words),
    })
    await expect(reply.objects()).rejects.toMatchObject({ code: 'ERR_INVALID_REPLY' })
  })

  test('where the context cut it, or a cancel', async () => {
    const { engine } = await answering('{"a', { end: 'length' })
    const cut = engine.chat(ask)
    await expect(cut.object()).rejects.toMatchObject({
      finishReason: 'length',
      limit: 'context',
      message: expect.stringContaining('load with a larger context'),
    })
    const cancelled = engine.chat(ask)
    cancelled.cancel()
    await expect(cancelled.object()).rejects.toMatchObject({ finishReason: 'cancelled' })
  })

  test('not where it was whole when its tokens ended', async () => {
    const { engine } = await answering('{"a":1}', { end: 'length' })
    expect(await engine.chat(ask, { maxTokens: 1 }).object()).toEqual({ a: 1 })
  })

  test('where the schema’s own rules refuse it, with each of its issues', async () => {
    const { engine } = await answering(mia)
    const schema = z
      .object({ name: z.string().refine((name) => name !== 'Mia', 'taken'), age: z.string() })
      .refine(() => false, 'never')
    await expect(engine.chat(ask, { schema }).object()).rejects.toMatchObject({
      message:
        'the reply has no object: expected what its schema allows, but got name: taken; never',
      issues: [
        { message: 'taken', path: ['name'] },
        { message: 'never', path: [] },
      ],
      finishReason: 'stop',
    })
    const failing = z.object({ name: z.string() }).transform(() => {
      throw new Error('torn')
    })
    await expect(engine.chat(ask, { schema: failing }).object()).rejects.toMatchObject({
      code: 'ERR_INVALID_REPLY',
      cause: { message: 'torn' },
    })
  })

  test('as done does where the reply failed', async () => {
    const { engine } = await answering('', {
      refuse: { code: 'ERR_INVALID_REQUEST', message: 'no' },
    })
    await expect(engine.chat(ask).object()).rejects.toMatchObject({ code: 'ERR_INVALID_REQUEST' })
  })
})

test('a tool’s parameters may be of a schema library', async () => {
  const { engine, addon } = await answering('x')
  const tool = (parameters: typeof zod | typeof plain) => [{ name: 'a', parameters }]
  await engine.chat(ask, { tools: tool(zod) }).done
  const [request] = addon.engine.submitted
  const { tools } = (request as NativeRequest).prompt as NativeChat
  expect(JSON.parse(tools[0]?.parameters ?? '')).toMatchObject({
    type: 'object',
    properties: { name: { type: 'string' } },
    required: ['name', 'age'],
  })
  const old = { name: 'a', parameters: z3.object({ a: z3.string() }) }
  expect(() => engine.chat(ask, { tools: [old] })).toThrow(
    expect.objectContaining({ path: 'tools[0].parameters' }),
  )
})
