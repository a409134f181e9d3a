// streamText of the AI SDK, with whichever of its providers is installed.
import { from, z } from '../../../e2e/programs/checks.mjs'
import { ask, named, note, runWays } from './ways.mjs'

globalThis.AI_SDK_LOG_WARNINGS = false
const { streamText, tool } = await from('ai')

const providers = [
  [
    '@ai-sdk/openai-compatible',
    'chat',
    ({ createOpenAICompatible }, base) =>
      createOpenAICompatible({ name: 'own', baseURL: `${base}/v1`, apiKey: 'none' })('m'),
  ],
  [
    '@ai-sdk/openai',
    'responses',
    ({ createOpenAI }, base) => createOpenAI({ baseURL: `${base}/v1`, apiKey: 'none' })('m'),
  ],
  [
    '@ai-sdk/anthropic',
    'messages',
    ({ createAnthropic }, base) => createAnthropic({ baseURL: `${base}/v1`, apiKey: 'none' })('m'),
  ],
]

async function installedProvider() {
  for (const [name, wire, make] of providers) {
    const module = await from(name).catch(() => undefined)
    if (module !== undefined) return { wire, modelAt: (base) => make(module, base) }
  }
  throw new Error('no provider is installed')
}

const { wire, modelAt } = await installedProvider()

async function run(at) {
  const { seen, signal } = at
  const execute = ({ city }) => {
    note(seen, 'ran', JSON.stringify({ city }))
    return 'sunny'
  }
  const get_weather = tool({
    description: 'tells',
    inputSchema: z.object({ city: z.string() }),
    execute,
  })
  const { fullStream } = streamText({
    model: modelAt(at.base),
    messages: ask,
    tools: { get_weather },
    abortSignal: signal,
    onError: () => undefined,
  })
  for await (const part of fullStream) take(at, part)
}

function take(at, part) {
  const { seen } = at
  if (part.type === 'text-delta') at.text(part.text)
  else if (part.type === 'tool-call') {
    const says = part.invalid ? `invalid: ${named(part.error).split(':')[0]}` : 'valid'
    note(seen, 'calls', `${JSON.stringify(part.input)} (${says})`)
  } else if (part.type === 'finish') seen.finish = part.finishReason
  else if (part.type === 'error') note(seen, 'parts', named(part.error))
  else if (part.type === 'abort') seen.finish = 'an abort part'
}

await runWays({ streamText: { wire, run } })
