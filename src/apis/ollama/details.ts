import { createHash } from 'node:crypto'
import { abilityOf } from '../../api/ability.js'
import { describedModel, parametersText, quantName } from '../../api/model-description.js'
import type { KnownModel } from '../../api/models-types.js'
import { samplingNames } from '../../api/sampling-options.js'
import type { EngineSettings } from '../../api/types.js'
import type { ModelEntry } from '../../host/model-host.js'
import { wireName } from '../openai/option-names.js'

/** What Ollama tells of a model, as far as it is known: nothing of one whose file was not read. */

export function detailsOf(known: KnownModel | undefined): object {
  const { architecture = '', quant = '' } = known === undefined ? {} : describedModel(known.model)
  const size = known?.model.embedding?.size
  return {
    parent_model: '',
    format: 'gguf',
    family: architecture,
    families: architecture === '' ? [] : [architecture],
    parameter_size: known === undefined ? '' : parametersText(known.model.parameters),
    quantization_level: quantName(quant),
    ...(known === undefined ? {} : { context_length: known.context }),
    ...(size === undefined ? {} : { embedding_length: size }),
  }
}

/**
 * What of the file's metadata clients look for, by its names. The context is the one that is
 * served: a client that fills it would else send more than there is room for.
 */
export function infoOf({ model, context }: KnownModel): Record<string, unknown> {
  const { architecture } = describedModel(model)
  const { size } = model.embedding ?? {}
  return {
    'general.architecture': architecture,
    'general.basename': model.name,
    'general.parameter_count': model.parameters,
    [`${architecture}.context_length`]: context,
    ...(model.vocabulary === undefined ? {} : { [`${architecture}.vocab_size`]: model.vocabulary }),
    ...(size === undefined ? {} : { [`${architecture}.embedding_length`]: size }),
  }
}

/**
 * Ollama's templates are its own, and ours are llama.cpp's. Of one, clients look only for whether
 * it fills gaps.
 */
export function templateOf({ model }: KnownModel): string {
  if (abilityOf(model) !== 'text') return ''
  return model.canInfill === true ? '{{ .Prompt }}{{ .Suffix }}' : '{{ .Prompt }}'
}

/** Defaults of sampling, a line each. */
export function parametersOf({ sampling, context }: Pick<EngineSettings, 'sampling' | 'context'>) {
  const numbers = samplingNames.map((name) => [wireName(name), sampling[name]] as const)
  const all = [['num_ctx', context] as const, ...numbers]
  return all.map(([name, value]) => `${name.padEnd(30)} ${value}`).join('\n')
}

/** Tells models apart. It is no checksum of the file, which may be large. */
export function digestOf({ names, known }: Pick<ModelEntry, 'names' | 'known'>): string {
  const { description = '', parameters = 0, bytes = 0 } = known?.model ?? {}
  const parts = JSON.stringify([names[0], description, parameters, bytes])
  return createHash('sha256').update(parts).digest('hex')
}
