// What the HTTP interface promises: 43 checks, each with its number and its sentence. Tests name
// them by `wireCheck`, and test/mutants has a spoiled line for each.

/** @type {Readonly<Record<number, string>>} */
export const wireChecks = Object.freeze({
  1: 'a stream has headers that keep proxies from buffering it',
  2: 'a frame is one line of JSON',
  3: 'nothing comes after [DONE]',
  4: '[DONE] and the end of the stream leave in one segment',
  5: 'no character is split between chunks',
  6: 'a stream that is read byte by byte says the same',
  7: "a frame fits OpenAI's declarations",
  8: 'a reply has one id',
  9: 'a role comes first',
  10: 'a choice has one finish reason, at its end',
  11: 'a reply has the same text streamed and not',
  12: 'usage comes only when it is asked for',
  13: "token counts are the tokenizer's",
  14: 'the choices of a reply share its stream, each by its index',
  15: 'the deltas of a tool call join to the whole call',
  16: 'the bytes of logprobs join to the text',
  17: 'no part of a stop string is sent',
  18: 'a reply at its token limit ends with `length`',
  19: 'null is the same as left out',
  20: 'an error that is known in time comes before the headers',
  21: 'an error has four fields',
  22: 'a request without a right key is a 401',
  23: 'what is not there or not taken is a 404, 405, 413 or 415',
  24: 'an error in mid-stream is a frame, and no [DONE] follows',
  25: 'a response always has an x-request-id',
  26: 'a client that leaves frees its slot',
  27: 'a queued request whose client left never runs',
  28: 'a client that leaves in mid-prefill frees its slot',
  29: 'a client that leaves before a whole reply frees its slot',
  30: 'clients that leave at random leave nothing behind',
  31: 'a client that closes at [DONE] was served',
  32: "a stalled reader's memory is bounded",
  33: 'a stalled reader slows no other',
  34: 'a reader that stalls beyond the deadline frees its slot',
  35: 'a reader that pauses gets every byte',
  36: 'headers leave before the prompt is computed',
  37: 'a stream is pinged in silence only',
  38: 'an engine that stands still is reported',
  39: 'a full queue answers at once',
  40: 'no request starves',
  41: 'a drain refuses new requests, finishes the running ones and ends',
  42: 'connections are reused',
  43: 'started = finished + cancelled + failed',
})

/**
 * The title of what tests a check, or several: `describe(wireCheck(26), ...)`.
 *
 * @param {number[]} numbers
 * @returns {string}
 */
export function wireCheck(...numbers) {
  const sentences = numbers.map((number) => {
    const sentence = wireChecks[number]
    if (sentence === undefined) throw new RangeError(`The wire has no check ${number}.`)
    return sentence
  })
  return `wire check ${numbers.join(', ')}: ${sentences.join('; ')}`
}

/** @param {string} title may name checks; that of a native test says `(wire check 40)` */
export function checksIn(title) {
  return [...title.matchAll(/\bwire check (\d+(?:, \d+)*)/g)].flatMap(([, numbers = '']) =>
    numbers.split(', ').map(Number),
  )
}
