import { describe, expect, test } from 'vitest'
import { closeAfterEach, serve } from '../../support/serve.js'
import { ask, question } from '../../support/wire/ollama.js'

// Wrong requests for each endpoint of Ollama's, each with all that its client is told: one text.

closeAfterEach()

type Wrong = readonly [more: object, told: string]

const user = { role: 'user', content: 'Hi' }
const roles = '"system", "developer", "user", "assistant", "tool"'
const aCall = '{"function": {"name": "get_weather", "arguments": {}}}'
const durations = 'seconds, a duration such as "5m" or "1h30m", 0, or -1 for ever'
const levels = 'true, false, "low", "medium", "high" or "max"'
const options = '{"temperature": 0.5, "num_predict": 100}'
const aPattern = "a pattern that a grammar can say (')' behind a group)"
const name = 'the name of a model, such as "default"'

/** What is wrong is so of a chat and of a text. */
const wrongReplies: Wrong[] = [
  [{ model: 7 }, `'model': expected ${name}, but got 7.`],
  [{ stream: 'no' }, `'stream': expected true or false, but got "no".`],
  [{ think: 'hard' }, `'think': expected ${levels}, but got "hard".`],
  [{ keep_alive: '5 minutes' }, `'keep_alive': expected ${durations}, but got "5 minutes".`],
  [{ keep_alive: true }, `'keep_alive': expected ${durations}, but got true.`],
  [{ format: 'xml' }, `'format': expected "json", or a JSON Schema (an object), but got "xml".`],
  [
    { format: { type: 'string', pattern: '(' } },
    `'format.pattern': expected ${aPattern}, but got "(".`,
  ],
  [{ options: [] }, `'options': expected an object such as ${options}, but got an array of 0.`],
  [
    { options: { temperature: 'hot' } },
    `'options.temperature': expected a number from 0 to 100, but got "hot".`,
  ],
  [
    { options: { num_predict: -3 } },
    "'options.num_predict': expected a whole number from 0 to 2147483647, or -1 for no limit, " +
      'but got -3.',
  ],
  [
    { options: { tfs_z: 0.5 } },
    "'options.tfs_z': expected 1 (another is not supported), but got 0.5.",
  ],
  [{ options: { seed: 0.5 } }, "'options.seed': expected a whole number of 64 bits, but got 0.5."],
  [{ top_logprobs: 21 }, "'top_logprobs': expected a whole number from 0 to 20, but got 21."],
  [{ logprobs: 3 }, "'logprobs': expected true or false, but got 3."],
  [{ truncate: 1 }, "'truncate': expected true or false, but got 1."],
  [
    { _debug_render_only: true },
    "'_debug_render_only': expected false (POST /apply-template tells the prompt), but got true.",
  ],
]

const somethingElse = 'something to answer, or a "model" to be loaded'

const wrongChats: Wrong[] = [
  [{ model: '', messages: [] }, `'messages': expected ${somethingElse}, but got nothing.`],
  [{ messages: 'Hi' }, `'messages': expected an array of at most 2048 messages, but got "Hi".`],
  [
    { messages: ['Hi'] },
    `'messages[0]': expected an object such as {"role": "user", "content": "..."}, but got "Hi".`,
  ],
  [
    { messages: [user, { role: 'robot', content: 'Hi' }] },
    `'messages[1].role': expected one of ${roles}, but got "robot".`,
  ],
  [
    { messages: [{ ...user, images: ['aGk='] }] },
    "'messages[0].images': expected no images (only text is supported), but got an array of 1.",
  ],
  [
    { messages: [{ role: 'user', content: 7 }] },
    "'messages[0].content': expected a string, or an array of text parts, but got 7.",
  ],
  [
    { messages: [{ role: 'assistant', thinking: 7 }, user] },
    "'messages[0].thinking': expected a string, but got 7.",
  ],
  [
    { messages: [{ role: 'assistant', tool_calls: [{}] }, user] },
    `'messages[0].tool_calls[0]': expected an object such as ${aCall}, but got an empty object.`,
  ],
  [
    { messages: [{ role: 'assistant', tool_calls: [{ function: { arguments: {} } }] }, user] },
    "'messages[0].tool_calls[0].function.name': expected a string, but got nothing.",
  ],
  [
    { messages: [{ ...user, tool_calls: [{ function: { name: 'a' } }] }] },
    "'messages[0].tool_calls': expected no tool_calls (only an assistant calls tools), " +
      'but got an array of 1.',
  ],
  [{ tools: {} }, "'tools': expected an array of tools, but got an empty object."],
  [
    { tools: [{ type: 'function', function: {} }] },
    "'tools[0].function.name': expected a string, but got nothing.",
  ],
]

const nothingHere = 'nothing (send the conversation to /api/chat; what it shares is kept)'
const noTemplate = 'nothing (the model\'s own template is used; write the whole prompt, with "raw")'

const wrongTexts: Wrong[] = [
  [{ prompt: '' }, `'prompt': expected ${somethingElse}, but got nothing.`],
  [{ prompt: ['Hi'] }, "'prompt': expected a string, but got an array of 1."],
  [{ context: [1, 2] }, `'context': expected ${nothingHere}, but got an array of 2.`],
  [{ template: '{{ .Prompt }}' }, `'template': expected ${noTemplate}, but got "{{ .Prompt }}".`],
  [
    { images: ['aGk='] },
    "'images': expected no images (only text is supported), but got an array of 1.",
  ],
  [{ width: 512 }, "'width': expected 0 (no pictures are made here), but got 512."],
  [
    { suffix: ')' },
    `'suffix': expected '' (this model was not trained to fill gaps), but got ")".`,
  ],
  [
    { raw: true, system: 'Be brief.' },
    `'system': expected nothing where "raw" is true, but got "Be brief.".`,
  ],
]

const inputError = 'a string, or an array of at most 2048 strings'

const wrongInputs: Wrong[] = [
  [{ input: 7 }, `'input': expected ${inputError}, but got 7.`],
  [{ input: ['a', 7] }, "'input[1]': expected a string, but got 7."],
  [{ input: { a: 1 } }, `'input': expected ${inputError}, but got an object.`],
  [{ dimensions: -1 }, "'dimensions': expected a whole number from 0 to 2147483647, but got -1."],
  [{ dimensions: 9 }, "'dimensions': expected a whole number from 1 to 4, but got 9."],
  [{ truncate: 'yes' }, `'truncate': expected true or false, but got "yes".`],
  [{ keep_alive: 'soon' }, `'keep_alive': expected ${durations}, but got "soon".`],
  [{ model: ['m'] }, `'model': expected ${name}, but got an array of 1.`],
]

const wrongPrompts: Wrong[] = [
  [{ prompt: 7 }, "'prompt': expected a string, but got 7."],
  [{ prompt: ['a'] }, "'prompt': expected a string, but got an array of 1."],
  [{ prompt: { a: 1 } }, "'prompt': expected a string, but got an object."],
  [{ keep_alive: 'soon' }, `'keep_alive': expected ${durations}, but got "soon".`],
  [{ keep_alive: [] }, `'keep_alive': expected ${durations}, but got an array of 0.`],
  [{ model: 7 }, `'model': expected ${name}, but got 7.`],
  [{ model: {} }, `'model': expected ${name}, but got an empty object.`],
]

const wrongShows: Wrong[] = [
  [{ model: null }, "'model': expected the name of a model, but got nothing."],
  [{ model: 7 }, "'model': expected a string, but got 7."],
  [{ model: ['a'] }, "'model': expected a string, but got an array of 1."],
  [{ model: {} }, "'model': expected a string, but got an empty object."],
  [{ model: true }, "'model': expected a string, but got true."],
  [{ name: 7 }, "'name': expected a string, but got 7."],
  [{ name: {} }, "'name': expected a string, but got an empty object."],
  [{ name: false }, "'name': expected a string, but got false."],
]

const endpoints: { path: string; least: object; wrong: Wrong[]; embeds?: true }[] = [
  { path: 'chat', least: question(), wrong: [...wrongReplies, ...wrongChats] },
  { path: 'generate', least: { prompt: 'Hi' }, wrong: [...wrongReplies, ...wrongTexts] },
  { path: 'embed', least: { input: 'Hi' }, wrong: wrongInputs, embeds: true },
  { path: 'embeddings', least: { prompt: 'Hi' }, wrong: wrongPrompts, embeds: true },
  { path: 'show', least: { model: 'fake' }, wrong: wrongShows },
]

test('at least seven wrong requests of each endpoint are told, each once', () => {
  for (const { wrong } of endpoints) {
    expect(wrong.length).toBeGreaterThanOrEqual(7)
    expect(new Set(wrong.map(([more]) => JSON.stringify(more))).size).toBe(wrong.length)
  }
})

describe.each(endpoints)('a wrong request for /api/$path', ({ path, least, wrong, embeds }) => {
  const fake = embeds ? { embedding: { size: 4, pooling: 'mean' } as const } : {}

  test.each(wrong)('is told in one text, and computes nothing: %j', async (more, told) => {
    const { url, native } = await serve(fake)
    const response = await ask(url, path, { ...least, ...more })
    expect([response.status, await response.json()]).toEqual([400, { error: told }])
    expect(native.submitted).toEqual([])
    expect(native.embedder.requests).toEqual([])
  })

  test('is told so of a body that is no object, or no JSON', async () => {
    const { url } = await serve(fake)
    for (const body of ['[]', '7', '{', '']) {
      const response = await fetch(`${url}/api/${path}`, { method: 'POST', body })
      expect([body, response.status]).toEqual([body, 400])
      expect(await response.json()).toEqual({ error: expect.stringMatching(/^.{20,}$/) })
    }
  })

  test('is a 404 of a model that is not there, and a 405 of another method', async () => {
    const { url } = await serve(fake)
    const unknown = await ask(url, path, { ...least, model: 'nope' })
    expect([unknown.status, await unknown.json()]).toEqual([
      404,
      { error: expect.stringContaining("no model 'nope' here; expected one of: 'fake'") },
    ])
    const other = await fetch(`${url}/api/${path}`, { method: 'PUT', body: '{}' })
    expect([other.status, other.headers.get('allow')]).toEqual([405, 'POST'])
    expect(await other.json()).toEqual({ error: expect.stringContaining('Expected POST at') })
  })
})

test('what the engine finds wrong is told by the names of the request', async () => {
  const refuse = { code: 'ERR_CONTEXT_LENGTH', message: 'the prompt is too long' } as const
  const script = () => ({ tokens: [], refuse: { ...refuse, promptTokens: 9, contextTokens: 8 } })
  const { url } = await serve({ script })
  const chat = await ask(url, 'chat', question())
  expect([chat.status, await chat.json()]).toEqual([
    400,
    { error: expect.stringMatching(/too long/) },
  ])
  const tools = [{ type: 'function', function: { name: 'a', parameters: { type: 'object' } } }]
  const stops = Array.from({ length: 17 }, (_, i) => `${i}`)
  for (const more of [{ tools, options: { stop: stops } }, { options: { stop: stops } }]) {
    const response = await ask(url, 'chat', question(more))
    expect((await response.json()) as object).toMatchObject({
      error: expect.stringMatching(/^'options\.stop': expected /),
    })
  }
})

test('a model that embeds does not chat, and one that writes does not embed', async () => {
  const writer = await serve()
  const embed = await ask(writer.url, 'embed', { input: 'a' })
  expect([embed.status, await embed.json()]).toEqual([
    400,
    { error: expect.stringContaining("The model 'fake' writes text") },
  ])
  const embedder = await serve({ embedding: { size: 4, pooling: 'mean' } })
  const chat = await ask(embedder.url, 'chat', question())
  expect([chat.status, await chat.json()]).toEqual([
    400,
    { error: expect.stringContaining("The model 'fake' embeds") },
  ])
})
