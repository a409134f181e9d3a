import type { Message } from './chat.js'

/** English words that are one token each, blank included, in every tokenizer the bench uses. */
const vocabulary = (
  'time year people way day man thing woman life child world school state family student group ' +
  'country problem hand part place case week company system program question work number night ' +
  'point home water room mother area money story fact month lot right study book eye job word ' +
  'business issue side kind head house service friend father power hour game line end member law ' +
  'car city community name team minute idea body information back parent face level office ' +
  'door health person art war history party result change morning reason girl air'
).split(' ')

/** So many random words, hence about as many tokens, and a prefix that was never sent before. */
export function words(count: number): string {
  return Array.from({ length: count }, randomWord).join(' ')
}

/** A conversation of one question that was never sent before. */
export function ask(count: number): Message[] {
  return [{ role: 'user', content: words(count) }]
}

function randomWord(): string {
  return vocabulary[Math.floor(Math.random() * vocabulary.length)] as string
}
