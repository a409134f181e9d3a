import {
  type RandomModelOptions,
  randomModelContent,
} from '../../test/support/models/random-model.js'
import { cachedModel } from './cached-model.js'
import { type Edit, editModel } from './edit-model.js'

export type ModelName = 'tiny' | 'small' | 'big'

/** No marks that only some tokenizers know: every model speaks this one. */
const chatTemplate =
  "{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\\n' }}" +
  "{% endfor %}{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}"

/**
 * Random weights in the shapes of real models, as Q8_0, which is what people run on processors.
 * The speed is that of a trained model of the shape; only the text is nonsense.
 */
const shapes: Record<ModelName, RandomModelOptions> = {
  // 4.8 MB: Llama 2's 32,000 tokens on a body of four narrow layers.
  tiny: { tokenizer: 'llama-spm', layers: 4, embedding: 64, feedForward: 192, heads: 2 },
  // 202 MB: GPT-2's vocabulary and size, in the llama architecture.
  small: { tokenizer: 'gpt-2', layers: 12, embedding: 768, feedForward: 3072, heads: 12 },
  // 549 MB: Qwen's 151,936 tokens on 16 layers of 1,024.
  big: { tokenizer: 'qwen2', layers: 16, embedding: 1024, feedForward: 2816, heads: 16 },
}

/** A model of this shape that edits a text, and the text. */
export function modelThatEdits(name: ModelName): Edit {
  return editModel(name, shapes[name])
}

/** @returns the path of the file, written now if it is not there yet */
export function modelFile(name: ModelName): string {
  const options: RandomModelOptions = { ...shapes[name], weights: 'q8_0', chatTemplate }
  return cachedModel(name, options, () => randomModelContent(options))
}
