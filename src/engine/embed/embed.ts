import type { EmbedOptions, EmbedResult } from '../../api/embedding-types.js'
import { QueueTimeoutError } from '../../api/errors.js'
import type { NativeEmbeddingRequest } from '../../binding/engine-port.js'
import { abortedBy, onAbort } from '../abort-signals.js'
import type { EngineClient } from '../engine-client.js'
import type { PromptCount } from '../queue/prompt-count.js'
import type { TextAsker } from '../queue/text-jobs.js'

interface Settled extends EmbedOptions {
  /** Numbers of one of the model's embeddings. */
  readonly size: number
}

/** Has an engine embed, unless the signal fires. */
export async function embed(
  client: EngineClient,
  inputs: NativeEmbeddingRequest['inputs'],
  { size, dimensions, ...asker }: Settled,
  count: PromptCount,
): Promise<EmbedResult> {
  const { values, promptTokens } = await embeddedBy(client, inputs, asker, count)
  return { embeddings: split(values, size, dimensions), usage: { promptTokens } }
}

/** What an engine makes of each input: its vector, or its score. */
export function embeddedBy(
  client: EngineClient,
  inputs: NativeEmbeddingRequest['inputs'],
  { owner = '', signal }: TextAsker,
  count: PromptCount,
): Promise<{ values: Float32Array; promptTokens: number }> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) throw abortedBy(signal, 'the request was aborted')
    const id = client.embed(
      { inputs, owner },
      {
        onAccepted: count,
        onEmbedded: (values, promptTokens) => {
          rest()
          resolve({ values, promptTokens })
        },
        onError: (error) => {
          rest()
          if (error instanceof QueueTimeoutError) count(0) // nothing was computed
          reject(error)
        },
      },
    )
    const rest = onAbort(signal, () => {
      client.cancel(id)
      reject(abortedBy(signal, 'the request was aborted'))
    })
  })
}

function split(values: Float32Array, size: number, dimensions = size): Float32Array[] {
  return Array.from({ length: values.length / size }, (_, i) => {
    const whole = values.subarray(i * size, (i + 1) * size)
    return dimensions === size ? whole.slice() : normalized(whole.slice(0, dimensions))
  })
}

/** At length 1, in place; what is all zero stays so. */
function normalized(vector: Float32Array): Float32Array {
  let squares = 0
  for (const value of vector) squares += value * value
  if (squares === 0) return vector
  const scale = 1 / Math.sqrt(squares)
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) * scale
  return vector
}
