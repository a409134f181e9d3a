import { answerModelContent } from '../../test/support/models/answer-model.js'
import {
  type RandomModelOptions,
  randomModelContent,
} from '../../test/support/models/random-model.js'
import { words } from '../client/prompts.js'
import type { KnownDecision } from '../in-process/decision-job.js'
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

/**
 * A model that decides as it is told, and questions with what it is told of each. It says yes or
 * no, and as likely 1 or 0, which is what node-llama-cpp shows them as.
 */
export function modelThatIsTold(): { file: string; known: KnownDecision[] } {
  const subjects = Array.from({ length: 32 }, (_, i) => `matter ${String(i).padStart(2, '0')}`)
  const isSo = subjects.map((_, i) => (i * 7) % 3 !== 1)
  const told = subjects.map((mark, i) => ({ mark, says: isSo[i] ? ['yes', '1'] : ['no', '0'] }))
  const questions = subjects.map((subject, i) => {
    return { instructions: `Is it so of ${subject}`, right: isSo[i] ?? false }
  })
  const file = cachedModel('told', { told }, () => answerModelContent({ told }))
  return { file, known: [{ state: words(20), questions }] }
}

/** @returns the path of the file, written now if it is not there yet */
export function modelFile(name: ModelName): string {
  const options: RandomModelOptions = { ...shapes[name], weights: 'q8_0', chatTemplate }
  return cachedModel(name, options, () => randomModelContent(options))
}
