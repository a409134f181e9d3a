// What the programs that use the AI SDK share, whichever provider they ask.
import assert from 'node:assert/strict'
import { form, from, tells, weather, where } from './checks.mjs'

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
