import type {
  LanguageModelV3CallOptions,
  LanguageModelV3Prompt,
  LanguageModelV3StreamPart,
} from '@ai-sdk/provider'
import { afterEach, expect } from 'vitest'
import { createSluice, type SluiceProvider } from '../../../src/ai-sdk/index.js'
import { useBinding } from '../../../src/binding/binding.js'
import type { NativeChat, NativeRequest } from '../../../src/binding/engine-port.js'
import { type Engine, type LoadOptions, load } from '../../../src/index.js'
import { FakeAddon, type FakeEngine, type FakeOptions, type Script } from '../fake-binding.js'

export interface ScriptedProvider {
  readonly engine: Engine
  readonly sluice: SluiceProvider
  readonly fake: FakeEngine
  /** What the engine was asked last. */
  asked(): NativeRequest & { readonly prompt: NativeChat }
}

type Reply = Script | ((request: NativeRequest) => Script)

/** A provider over an engine that answers as a script says; each test's own. */
export function scriptedProvider() {
  const engines: Engine[] = []
  afterEach(async () => {
    await Promise.all(engines.splice(0).map((engine) => engine.close()))
    useBinding(undefined)
  })
  return async (
    reply: Reply = { tokens: ['Once', ' upon'] },
    model: FakeOptions['model'] = {},
    options: LoadOptions = {},
  ): Promise<ScriptedProvider> => {
    const script = typeof reply === 'function' ? reply : () => reply
    const addon = new FakeAddon({ script, model })
    useBinding(addon)
    const engine = await load({ model: 'fake.gguf', window: 8, ...options })
    engines.push(engine)
    const asked = () => {
      const request = addon.engine.submitted.at(-1)
      if (request === undefined) return expect.fail('nothing was asked')
      return request as NativeRequest & { prompt: NativeChat }
    }
    return { engine, sluice: createSluice(engine), fake: addon.engine, asked }
  }
}

const prompt: LanguageModelV3Prompt = [
  { role: 'user', content: [{ type: 'text', text: 'Tell me a story' }] },
]

/** Options of a call, with a prompt. */
export function call(options: Partial<LanguageModelV3CallOptions> = {}) {
  return { prompt, ...options }
}

/** All parts of a call's stream. */
export async function streamed(
  { sluice }: ScriptedProvider,
  options: Partial<LanguageModelV3CallOptions> = {},
): Promise<LanguageModelV3StreamPart[]> {
  const { stream } = await sluice().doStream(call(options))
  const parts: LanguageModelV3StreamPart[] = []
  for await (const part of stream) parts.push(part)
  return parts
}

export async function thrownBy(asked: PromiseLike<unknown>): Promise<unknown> {
  return asked.then(
    () => expect.fail('nothing was thrown'),
    (error: unknown) => error,
  )
}
