/** Words of the tiny tokenizer, a token each or a little more. The same seed says the same. */
import { Random } from './models/random-weights.js'

const WORDS = (
  'the and to of was in it he she his her that with had for you not but they on as at said all ' +
  'one out fox story little were there big day went very home friend wood tree sea'
).split(' ')

export function randomWords(count: number, seed: number): string[] {
  const words = new Uint32Array(count)
  new Random(seed).fill(words)
  // The high bits: xorshift's low ones are the weaker.
  return Array.from(words, (bits) => WORDS[(bits >>> 16) % WORDS.length] as string)
}

/** The same as one text. */
export const textOf = (words: number, seed: number) => randomWords(words, seed).join(' ')
