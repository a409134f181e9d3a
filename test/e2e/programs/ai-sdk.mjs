// What the programs that use the AI SDK share, whichever provider they ask.
import assert from 'node:assert/strict'
import {
  answer,
  city,
  form,
  from,
  stop,
  tells,
  thought,
  thrown,
  weather,
  where,
} from './checks.mjs'

export const sdk = await from('ai')
export const output = sdk.Output.object({ schema: form })

/** Options with a tool, and what it was asked. */
export function withTool(asked, more = {}) {
  const { asked: cities, ask } = weather()
  const get_weather = sdk.tool({
    description: tells,
    inputSchema: where,
    execute: async (it) => ask(it),
  })
  const stopWhen = (sdk.stepCountIs ?? sdk.isStepCount)(4)
  return { options: { ...asked, tools: { get_weather }, stopWhen, ...more }, cities }
}

/** Leaves a stream at its first part, and is told so. */
export async function leaves(asked) {
  const leave = new AbortController()
  const seen = []
  const stream = sdk.streamText({
    ...asked,
    abortSignal: leave.signal,
    onAbort: () => seen.push('abort'),
  })
  for await (const _ of stream.fullStream) leave.abort()
  assert.deepEqual(seen, ['abort'])
}

/** A tool is called, and the text after it ends at the stop string. @returns the steps */
export async function endsAtStop(asked) {
  const { options, cities } = withTool(asked, { stopSequences: [stop] })
  const { text, steps } = await sdk.generateText(options)
  assert.deepEqual(cities, [city])
  assert.equal(text, JSON.stringify(answer).split(stop)[0])
  assert.deepEqual(
    steps.map(({ finishReason }) => finishReason),
    ['tool-calls', 'stop'],
  )
  for (const { reasoningText } of steps) assert.equal(reasoningText.trim(), thought)
  return steps
}

/** A tool is called, and a form is filled after it. @returns the steps */
export async function fillsForm(asked) {
  const { options, cities } = withTool(asked, { output })
  const { output: filled, steps, usage } = await sdk.generateText(options)
  assert.deepEqual(cities, [city])
  assert.deepEqual(filled, answer)
  assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0)
  return steps
}

/** The same while it streams. @returns the types of its parts, in order */
export async function streamsForm(asked) {
  const { options, cities } = withTool(asked, { output })
  const result = sdk.streamText(options)
  const parts = {}
  const order = []
  for await (const { type, text = '' } of result.fullStream) {
    parts[type] = (parts[type] ?? '') + text
    if (order.at(-1) !== type) order.push(type)
  }
  assert.deepEqual(cities, [city])
  assert.deepEqual(await result.output, answer)
  assert.deepEqual(JSON.parse(parts['text-delta']), answer)
  assert.ok('tool-call' in parts && 'tool-result' in parts && !('error' in parts))
  return { parts, order }
}

/** What was thought before the call, and before the form. */
export function thinksTwice({ parts }) {
  assert.equal(parts['reasoning-delta'].replaceAll('\n', ''), thought + thought)
}

/** What is wrong is refused whole and in a stream. @returns the error */
export async function refusesTopP(asked, words) {
  const wrong = await thrown(sdk.generateText({ ...asked, topP: 2 }))
  assert.ok(sdk.APICallError.isInstance(wrong))
  assert.equal(wrong.statusCode, 400)
  assert.equal(wrong.isRetryable, false)
  assert.match(wrong.message, words)
  const streamed = []
  const onError = ({ error }) => streamed.push(error)
  for await (const _ of sdk.streamText({ ...asked, topP: 2, onError }).fullStream);
  assert.equal(streamed[0].statusCode, 400)
  return wrong
}

/** A queue that is full is tried again. @param endless would go on for long */
export async function triesAgain(asked, endless) {
  const leave = new AbortController()
  const fills = [1, 2].map(() =>
    sdk.streamText({ ...endless, abortSignal: leave.signal, onError: () => undefined }),
  )
  for (const { fullStream } of fills) {
    const parts = fullStream[Symbol.asyncIterator]()
    while ((await parts.next()).value.type !== 'reasoning-delta');
  }
  const full = await thrown(sdk.generateText(asked))
  assert.equal(full.statusCode, 429)
  assert.equal(full.isRetryable, true)
  const served = sdk.generateText({ ...asked, maxRetries: 4 })
  setTimeout(() => leave.abort(), 100)
  assert.equal((await served).finishReason, 'stop')
}
