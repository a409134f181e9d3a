import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { type LoadWarning, load } from '../../../../src/index.js'
import { type RandomModelOptions, randomModel } from '../../../support/models/random-model.js'
import { CHATML_TEMPLATE } from '../../../support/models/tokenizers.js'

const ask = [{ role: 'user', content: 'Which one?' }] as const
const tool = { name: 'count', parameters: { type: 'object', properties: {} } }
const broken = "{% for message in messages %}\n{{ message['content'] }}\n{% endif %}"

/** Says which template it is, and what was said. */
const named = (name: string) =>
  `${name}:{% for message in messages %}{{ message['content'] }}{% endfor %}`
/** A real one that knows tools. */
const hermes = readFileSync(
  path.join(
    process.env.LLAMA_CPP_DIR ?? path.join(import.meta.dirname, '../../../../deps/llama.cpp'),
    'models/templates/NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use.jinja',
  ),
  'utf8',
)

async function opened(options: RandomModelOptions, chatTemplate?: string) {
  const warnings: LoadWarning[] = []
  const engine = await load({
    model: randomModel(options),
    parallel: 1,
    context: 512,
    onWarning: (one) => warnings.push(one),
    ...(chatTemplate === undefined ? {} : { chatTemplate }),
  })
  return { engine, warnings }
}

describe('a chat template that cannot be read', () => {
  test('is refused as an option, with llama.cpp’s reason and the line', async () => {
    const loading = load({ model: randomModel(), chatTemplate: broken })
    await expect(loading).rejects.toMatchObject({
      message: expect.stringMatching(/chatTemplate cannot be read: line 3: .*endif/),
    })
  })

  test('is warned of where it is the model’s own, with what works and what does not', async () => {
    const { engine, warnings } = await opened({ chatTemplate: broken })
    expect(warnings).toMatchObject([
      {
        code: 'WARN_CHAT_TEMPLATE',
        message: expect.stringMatching(/cannot be read: line 3: .*endif.*complete\(\) works/),
      },
    ])
    expect(engine.warnings).toEqual(warnings)
    expect(engine.model.hasChatTemplate).toBe(false)
    await expect(engine.chat(ask).done).rejects.toMatchObject({
      code: 'ERR_INVALID_REQUEST',
      message: expect.stringMatching(/cannot be read: line 3/),
    })
    expect((await engine.complete('Once', { maxTokens: 2 }).done).usage.promptTokens).toBe(4)
    await engine.close()
  })

  test('is not warned of where another one is in its place', async () => {
    const { engine, warnings } = await opened({ chatTemplate: broken }, CHATML_TEMPLATE)
    expect(warnings).toEqual([])
    expect(engine.model.hasChatTemplate).toBe(true)
    await engine.close()
  })

  test('is warned of where it is the one for tools alone: the other one serves', async () => {
    const { engine, warnings } = await opened({
      chatTemplate: named('plain'),
      namedTemplates: { tool_use: broken },
    })
    expect(warnings).toMatchObject([
      { code: 'WARN_CHAT_TEMPLATE', message: expect.stringMatching(/tool_use.*line 3/) },
    ])
    expect(await engine.applyTemplate(ask)).toBe('plain:Which one?')
    await engine.close()
  })
})

describe('a chat template that is nested too deeply', () => {
  const parentheses = (depth: number) => `a\n{{ ${'('.repeat(depth)}1${')'.repeat(depth)} }}`
  const deep = /line 2: .*nested too deeply/

  test('is refused where it is an option', async () => {
    await expect(load({ model: randomModel(), chatTemplate: parentheses(2100) })).rejects.toThrow(
      deep,
    )
  })

  test('is warned of where it is in the model, and nothing else fails', async () => {
    const { engine, warnings } = await opened({ chatTemplate: parentheses(2100) })
    expect(warnings).toMatchObject([
      { code: 'WARN_CHAT_TEMPLATE', message: expect.stringMatching(deep) },
    ])
    await expect(engine.chat(ask).done).rejects.toMatchObject({ code: 'ERR_INVALID_REQUEST' })
    expect((await engine.complete('Once', { maxTokens: 2 }).done).usage.promptTokens).toBe(4)
    await engine.close()
  })

  test('is not read where it is the one for tools', async () => {
    const { engine, warnings } = await opened({
      chatTemplate: '{{ messages[0].content }}',
      namedTemplates: { tool_use: parentheses(2100) },
    })
    expect(warnings[0]?.message).toMatch(/tool_use/)
    expect(warnings[0]?.message).toMatch(deep)
    expect(await engine.applyTemplate(ask)).toBe('Which one?')
    await engine.close()
  })
})

describe('a chat template that can be read', () => {
  test('that refuses a plain conversation is warned of, with its words and line', async () => {
    const strict = "{% if true %}\n{{ raise_exception('tools are a must') }}{% endif %}"
    const { engine, warnings } = await opened({ chatTemplate: strict })
    expect(warnings).toMatchObject([
      {
        code: 'WARN_CHAT_TEMPLATE',
        message: expect.stringMatching(/plain conversation.*tools are a must \(line 2/),
      },
    ])
    await expect(engine.chat(ask).done).rejects.toMatchObject({
      code: 'ERR_INVALID_REQUEST',
      message: expect.stringMatching(/refused these messages: .*tools are a must \(line 2[^\n]*$/),
    })
    await engine.close()
  })

  test('that leaves out what the user says is warned of', async () => {
    const { engine, warnings } = await opened({ chatTemplate: 'llama2' })
    expect(warnings[0]?.message).toContain('leaves out what the user says')
    await engine.close()
  })

  test('that calls itself for ever is warned of, and ends no process', async () => {
    const endless = '{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}'
    const { engine, warnings } = await opened({ chatTemplate: endless })
    expect(warnings).toMatchObject([{ code: 'WARN_CHAT_TEMPLATE' }])
    await expect(engine.chat(ask).done).rejects.toMatchObject({ code: 'ERR_INVALID_REQUEST' })
    expect((await engine.complete('Once', { maxTokens: 2 }).done).usage.promptTokens).toBe(4)
    await engine.close()
  })

  test('that works gives no warning', async () => {
    const { engine, warnings } = await opened({})
    expect(warnings).toEqual([])
    await engine.close()
  })
})

describe('of several templates in a file', () => {
  test('the one for tools serves all requests where it is the only one', async () => {
    const { engine, warnings } = await opened({
      chatTemplate: null,
      namedTemplates: { tool_use: hermes },
    })
    expect(engine.model.hasChatTemplate).toBe(true)
    expect(warnings).toEqual([])
    expect(await engine.applyTemplate(ask)).toContain('Which one?')
    expect(await engine.applyTemplate(ask, { tools: [tool] })).toContain('"name": "count"')
    await engine.close()
  })

  test('the one for tools serves those with tools, the one without a name the others', async () => {
    const { engine } = await opened({
      chatTemplate: named('plain'),
      namedTemplates: { tool_use: hermes, rag: named('rag') },
    })
    expect(await engine.applyTemplate(ask)).toBe('plain:Which one?')
    expect(await engine.applyTemplate(ask, { tools: [tool] })).toContain('"name": "count"')
    await engine.close()
  })

  test('those of other names are not used, and the error names them', async () => {
    const { engine } = await opened({
      chatTemplate: null,
      namedTemplates: { rag: named('rag'), other: named('other') },
    })
    expect(engine.model.hasChatTemplate).toBe(false)
    await expect(engine.chat(ask).done).rejects.toMatchObject({
      code: 'ERR_INVALID_REQUEST',
      message: expect.stringMatching(/by name only \(rag, other\)/),
    })
    await engine.close()
  })
})
