import { existsSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type Engine, embeddedModel, estimate, load } from '../../../src/index.js'
import { startProgram } from '../../support/program.js'

// The model that comes with the package is the one that is taken where none is named; and what a
// reply came to is told of a real one as of a scripted one.

let engine: Engine
beforeAll(async () => {
  engine = await load()
})
afterAll(() => engine.close())

describe('the embedded model', () => {
  test('is what load() and estimate() take by themselves', async () => {
    expect(engine.model.id).toBe('storyteller')
    const same = await load({ model: embeddedModel, parallel: 1 })
    const byUrl = await load({ model: pathToFileURL(embeddedModel), parallel: 1 })
    expect([same.model, byUrl.model]).toEqual([engine.model, engine.model])
    await Promise.all([same.close(), byUrl.close()])
    const { bytes } = engine.model
    expect((await estimate()).model).toMatchObject({ bytes })
    expect(await estimate({ context: 64 })).toMatchObject({ context: 64, model: { bytes } })
    expect(await estimate({ model: pathToFileURL(embeddedModel) })).toMatchObject({ fits: true })
  })

  test('is named by its whole path, from source and from dist, also to CommonJS', async () => {
    const file = path.resolve('models/storyteller.gguf')
    expect(embeddedModel).toBe(file)
    expect(existsSync(embeddedModel)).toBe(true)
    const entry = JSON.stringify(path.resolve('dist/commonjs/index.cjs'))
    const program = `const { embeddedModel, load } = require(${entry})
load({}).then((engine) => engine.close()).then(() => console.log(embeddedModel))`
    const run = await startProgram(process.execPath, ['-e', program]).result
    expect(run).toMatchObject({ code: 0, stdout: `${file}\n` })
  })
})

test('a reply is the object of its schema', async () => {
  const schema = z.object({
    name: z.string().max(12),
    age: z.int().min(1).max(99).transform(String),
  })
  const reply = engine.complete('A girl: ', { schema, maxTokens: 200 })
  const { name, age } = await reply.object()
  expect(name.length).toBeLessThanOrEqual(12)
  expect(age).toMatch(/^[1-9]\d?$/)
  await expect(
    engine.complete('A girl: ', { schema, maxTokens: 3 }).object(),
  ).rejects.toMatchObject({ code: 'ERR_INVALID_REPLY', finishReason: 'length', limit: 'maxTokens' })
})

test('a reply that was cut tells its limit, each of several by itself', async () => {
  const small = await load({ context: 64, parallel: 2 })
  const ignoreEos = true
  const full = await small.complete('Once upon a time', { ignoreEos, n: 2 }).done
  expect(full.choices.map(({ limit }) => limit)).toEqual(['context', 'context'])
  const { promptTokens } = full.usage
  const exact = { ignoreEos, maxTokens: 64 - promptTokens }
  expect((await small.complete('Once upon a time', exact).done).limit).toBe('maxTokens')
  const beyond = { ignoreEos, maxTokens: 65 - promptTokens }
  expect((await small.complete('Once upon a time', beyond).done).limit).toBe('context')
  expect((await small.complete('Once upon a time', { maxTokens: 0 }).done).limit).toBe('maxTokens')
  await small.close()
})
