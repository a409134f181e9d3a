import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { errorBody as anthropicBody, errorWords } from '../../src/apis/anthropic/errors.js'
import {
  countRequest,
  messagesRequest,
  withoutEffectOfBeta,
} from '../../src/apis/anthropic/messages/schema.js'
import { llamaCompletionRequest } from '../../src/apis/llama-server/completion/schema.js'
import { llamaEmbeddingRequest } from '../../src/apis/llama-server/embedding.js'
import { modelRequest } from '../../src/apis/llama-server/models.js'
import { rerankRequest } from '../../src/apis/llama-server/rerank.js'
import {
  applyTemplateRequest,
  detokenizeRequest,
  tokenizeRequest,
} from '../../src/apis/llama-server/tokens.js'
import { loadRequest, unloadRequest } from '../../src/apis/lm-studio/load.js'
import { copyRequest } from '../../src/apis/ollama/changes.js'
import { chatRequest as ollamaChatRequest } from '../../src/apis/ollama/chat/handler.js'
import {
  embedRequest,
  embeddingRequest as ollamaEmbeddingRequest,
} from '../../src/apis/ollama/embed.js'
import { generateRequest } from '../../src/apis/ollama/generate/handler.js'
import { showRequest } from '../../src/apis/ollama/models.js'
import { pullRequest } from '../../src/apis/ollama/pull.js'
import { chatRequest } from '../../src/apis/openai/chat/schema.js'
import {
  notHere,
  otherChatNames,
  otherNames,
  withoutEffect,
} from '../../src/apis/openai/compatibility.js'
import { completionRequest } from '../../src/apis/openai/completions/schema.js'
import { decisionRequest } from '../../src/apis/openai/decisions/schema.js'
import { embeddingRequest } from '../../src/apis/openai/embeddings.js'
import { errorBody } from '../../src/apis/openai/errors.js'
import { inputTokensRequest, responseRequest } from '../../src/apis/openai/responses/schema.js'
import { parseRequest } from '../../src/apis/request.js'
import { systemOneRequest } from '../../src/apis/typesafe/schema.js'
import { errorKinds, HttpError } from '../../src/web/errors.js'
import { closeAfterEach, postJson, serve } from '../support/serve.js'
import { departures as fromAnthropic } from '../support/wire/anthropic/departures.js'
import { anthropicFields } from '../support/wire/anthropic/shapes.js'
import { departures } from '../support/wire/departures.js'
import { answers } from '../support/wire/routes.js'
import { requestFields } from '../support/wire/shapes.js'

// docs/http-api.md, docs/messages.md, docs/responses.md, docs/decisions.md, docs/llama-server.md
// and docs/ollama.md are true to the letter: their tables are read, and held against the code.

const sections = new Map(
  [...['http-api', 'messages', 'responses', 'decisions'], ...['llama-server', 'ollama']].flatMap(
    sectionsOf,
  ),
)

function sectionsOf(page: string): [title: string, lines: string[]][] {
  const text = readFileSync(new URL(`../../docs/${page}.md`, import.meta.url), 'utf8')
  return text.split(/^## /m).map((section) => {
    const [title = '', ...lines] = section.split('\n')
    return [title, lines]
  })
}

/** The cells of a section's first table, without its head. */
function rows(title: string): string[][] {
  const all = sections.get(title) ?? []
  const from = all.findIndex((line) => line.startsWith('| '))
  const end = all.findIndex((line, i) => i > from && !line.startsWith('| '))
  const lines = all.slice(from, end)
  return lines.slice(2).map((line) => {
    const cells = line.split('|').slice(1, -1)
    return cells.map((cell) => cell.trim().replace(/^`(.*)`$/, '$1'))
  })
}

/** Ollama's and LM Studio's, with what Ollama declares and nothing is done with. */
const ofOllama = [
  {
    title: 'POST /api/show',
    schema: showRequest,
    least: { name: 'fake' },
    others: ['verbose', 'system', 'template', 'options'],
  },
  {
    title: 'POST /api/chat',
    schema: ollamaChatRequest,
    least: { messages: [{ role: 'user', content: 'a' }] },
    others: ['shift'],
  },
  {
    title: 'POST /api/generate',
    schema: generateRequest,
    least: { prompt: 'a' },
    others: ['shift'],
  },
  {
    title: 'POST /api/embed',
    schema: embedRequest,
    least: { input: 'a' },
    others: ['options'],
  },
  {
    title: 'POST /api/embeddings',
    schema: ollamaEmbeddingRequest,
    least: { prompt: 'a' },
    others: ['options'],
  },
  {
    title: 'POST /api/pull',
    schema: pullRequest,
    least: { name: 'fake' },
    others: ['insecure', 'username', 'password'],
  },
]

/** A request's fields as the code takes them, and as who made the endpoint up declares them. */
const requests = [
  {
    title: 'POST /v1/chat/completions',
    schema: chatRequest,
    declared: requestFields('Chat'),
    least: { model: 'm', messages: [{ role: 'user', content: '' }] },
  },
  {
    title: 'POST /v1/completions',
    schema: completionRequest,
    declared: requestFields('Completion'),
    least: { model: 'm', prompt: 'a' },
  },
  {
    title: 'POST /v1/embeddings',
    schema: embeddingRequest,
    declared: requestFields('Embedding'),
    least: { model: 'm', input: 'a' },
  },
  {
    title: 'POST /v1/messages',
    schema: messagesRequest,
    declared: anthropicFields('Messages'),
    least: { messages: [{ role: 'user', content: '' }], max_tokens: 1 },
  },
  {
    title: 'POST /v1/messages/count_tokens',
    schema: countRequest,
    declared: anthropicFields('Count'),
    least: { messages: [{ role: 'user', content: '' }] },
  },
  {
    title: 'POST /v1/responses',
    schema: responseRequest,
    declared: requestFields('Response'),
    least: { input: 'a' },
  },
  {
    title: 'POST /v1/responses/input_tokens',
    schema: inputTokensRequest,
    declared: requestFields('InputTokens'),
    least: { input: 'a' },
  },
  {
    title: 'POST /v1/decisions',
    schema: decisionRequest,
    declared: requestFields('Decision'),
    least: { input: 'a', questions: [{ type: 'predicate', instructions: 'b' }] },
  },
  {
    title: 'POST /v1/systemone',
    schema: systemOneRequest,
    declared: ['model', 'state', 'questions'], // what TypeSafe's client sends
    least: { state: 'a', questions: { b: { type: 'noul', instructions: 'c' } } },
  },
  ...[
    { title: 'POST /completion', schema: llamaCompletionRequest, least: { prompt: 'a' } },
    { title: 'POST /embedding', schema: llamaEmbeddingRequest, least: { content: 'a' } },
    {
      title: 'POST /v1/rerank',
      schema: rerankRequest,
      least: { query: 'a', documents: ['b'] },
    },
    { title: 'POST /tokenize', schema: tokenizeRequest, least: { content: '' } },
    { title: 'POST /detokenize', schema: detokenizeRequest, least: { tokens: [] } },
    {
      title: 'POST /apply-template',
      schema: applyTemplateRequest,
      least: { messages: [{ role: 'user', content: '' }] },
    },
  ].map((one) => ({ ...one, declared: Object.keys(one.schema.shape) })),
  ...ofOllama.map(({ others, ...one }) => {
    return { ...one, declared: [...Object.keys(one.schema.shape), ...others] }
  }),
]

/** Those whose body is another endpoint's, beside its own fields, or none that counts. */
const withoutTable = [
  ...['POST /v1/reranking', 'POST /v2/rerank', 'POST /v1/chat/completions/input_tokens'],
  ...['POST /infill', 'POST /props', 'POST /slots/{id}', 'POST /lora-adapters'],
  ...['POST /api/create', 'POST /api/push', 'POST /api/blobs/{id}', 'POST /api/v0/embeddings'],
  ...['POST /api/v0/chat/completions', 'POST /api/v0/completions'],
]

/** They name a model and ask nothing of it: see test/http/several-models.test.ts and others. */
const ofModels = [
  { title: 'POST /models/load', schema: modelRequest },
  { title: 'POST /models/unload', schema: modelRequest },
  { title: 'POST /api/copy', schema: copyRequest },
  { title: 'POST /api/v1/models/load', schema: loadRequest },
  { title: 'POST /api/v1/models/unload', schema: unloadRequest },
]

/** Where a request is counted, and where it is answered: it may have the fields of both. */
const counted = new Map([
  ['POST /v1/messages/count_tokens', 'POST /v1/messages'],
  ['POST /v1/responses/input_tokens', 'POST /v1/responses'],
])

/** The fake that a request is for. */
function servedFor(title: string) {
  if (title.includes('rerank')) return { embedding: { size: 1, pooling: 'rank' } as const }
  return title.includes('embed') ? { embedding: { size: 4, pooling: 'mean' } as const } : {}
}

closeAfterEach()

test('every endpoint has a section, and no other has one', () => {
  const endpoints = [...sections.keys()].filter((title) => /^[A-Z]+ \//.test(title))
  expect(endpoints.sort()).toEqual(Object.keys(answers).sort())
})

test('the table of every endpoint that takes a body is compared below', () => {
  const posted = Object.keys(answers).filter((endpoint) => {
    return endpoint.startsWith('POST ') && !withoutTable.includes(endpoint)
  })
  const compared = [...requests, ...ofModels].map(({ title }) => title)
  expect(compared.sort()).toEqual(posted.sort())
})

test.each(ofModels)('the table of $title has its fields, and no other', ({ title, schema }) => {
  expect(rows(title).map(([field]) => field)).toEqual(Object.keys(schema.shape))
})

describe.each(requests)('the table of $title', ({ title, schema, declared, least }) => {
  const table = new Map(rows(title).map(([field = '', support = '']) => [field, support]))
  const taken = Object.keys(schema.shape)

  test('has each field once: those that are declared, and those of ours', () => {
    expect(table.size).toBe(rows(title).length)
    expect([...table.keys()].sort()).toEqual([...new Set([...declared, ...taken])].sort())
  })

  test('says `ignored` of what the code does not look at, and of nothing else', () => {
    const ignored = [...table].filter(([, support]) => support === 'ignored')
    expect(ignored.map(([field]) => field).sort()).toEqual(
      declared.filter((field) => !taken.includes(field)).sort(),
    )
  })

  test('says `ours` or `no` of what is not declared', () => {
    for (const [field, support] of table) {
      const may = declared.includes(field) ? ['yes', 'part', 'no', 'ignored'] : ['ours', 'no']
      expect([field, may]).toEqual([field, expect.arrayContaining([support])])
    }
  })

  test('names no field of which a header says that nothing is known', async () => {
    const { url } = await serve(servedFor(title))
    const ignored = [...table].filter(([, support]) => support === 'ignored')
    const fields = [...table.keys(), ...rows(counted.get(title) ?? '').map(([field = '']) => field)]
    const body = {
      ...Object.fromEntries(fields.map((field) => [field, null])),
      ...Object.fromEntries(ignored.map(([field]) => [field, 'x'])),
      ...least,
      model: null,
      of_no_table: 1,
    }
    const response = await postJson(url, title.replace('POST ', ''), body)
    expect([response.status, await response.text()]).toEqual([200, expect.any(String)])
    const notes = response.headers.get('x-sluice-notes')
    expect(notes).toBe('of_no_table: unknown, so it had no effect')
  })

  test('says `no` of what is refused by its name', () => {
    for (const [field, support] of table) {
      if (support !== 'no') continue
      const ask = () => parseRequest(schema, { ...least, [field]: { a: 1 } })
      expect(ask).toThrow(expect.objectContaining({ status: 400, field }))
    }
    expect(() => parseRequest(schema, least)).not.toThrow()
  })
})

test('every error that can be sent is in the table, and no other', () => {
  const sent = errorKinds.map((kind) => {
    const error = new HttpError(kind, 'm')
    const { type, code } = errorBody(error).error
    return [`${error.status}`, type, code ?? 'null'].join(' ')
  })
  const told = rows('Errors').map((cells) => cells.slice(0, 3).join(' '))
  expect(told.sort()).toEqual(sent.sort())
})

test('every status and type of an error of Messages is in the table, and no other', () => {
  const sent = errorKinds.map((kind) => {
    const error = new HttpError(kind, 'm')
    return `${errorWords.status?.(error)} ${anthropicBody(error, '').error.type}`
  })
  const told = rows('Errors of Messages').map((cells) => cells.slice(0, 2).join(' '))
  expect(told.sort()).toEqual([...new Set(sent)].sort())
})

test('every field of Anthropic’s beta that has no effect is named', () => {
  const text = sections.get('POST /v1/messages')?.join('\n') ?? ''
  const declared = anthropicFields('Messages')
  for (const field of withoutEffectOfBeta) {
    expect([field, text.includes(`\`${field}\``)]).toEqual([field, true])
    expect(declared).not.toContain(field)
  }
})

test('every departure from Anthropic’s declarations is in the table, and nothing else', () => {
  const told = rows('What is sent otherwise than Anthropic declares it')
  expect(told).toEqual(fromAnthropic.map(({ type, field, why }) => [type, field, why]))
})

test('every departure from the declarations is in the table, and nothing else', () => {
  const told = rows("What is sent beyond OpenAI's declarations")
  expect(told).toEqual(departures.map(({ type, field, why }) => [type, field, why]))
})

test('every word of other servers is in the docs', () => {
  const section = sections.get("Other servers' words")?.join('\n') ?? ''
  const words = [otherNames, otherChatNames, notHere].flatMap((table) => Object.keys(table))
  for (const word of [...words, ...withoutEffect]) {
    if (word === 'typ_p') continue // a second name of what is refused
    expect([word, section.includes(`\`${word}\``)]).toEqual([word, true])
  }
})
