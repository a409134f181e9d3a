import type { EmbedOptions } from '../api/embedding-types.js'
import {
  abortSignal,
  anOwner,
  int32Max,
  integerFrom,
  parseFields,
  readable,
  wrong,
} from './checks.js'
import { type Input, pathBelow, readInputs } from './inputs.js'

/** @throws InvalidOptionError, with the path of what is wrong, for example `input[3]` */
export function parseEmbedInput(input: unknown): Input[] {
  return readable('input', 'texts or token ids', () => {
    const read = readInputs(input)
    if (Array.isArray(read)) return read
    const value = read.path.reduce<unknown>((at, i) => (at as ArrayLike<unknown>)[i], input)
    throw wrong(`input${pathBelow(read.path)}`, read.expected, value)
  })
}

/**
 * @param size of the model's embeddings; undefined where it has none, which is told later
 * @throws InvalidOptionError, with the option's name
 */
export function parseEmbedOptions(input: unknown, size = int32Max): EmbedOptions {
  return parseFields<EmbedOptions>(input, {
    dimensions: integerFrom(1, size),
    owner: anOwner,
    signal: abortSignal,
  })
}
