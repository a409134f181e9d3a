// What the doors promise (HTTP, fetchHandler and sluice/ai-sdk): 80 checks, each with its number
// and its sentence. Tests name them by `wireCheck`, and test/mutants has a spoiled line for each.

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
  // Responses
  44: "a response's events come in their order",
  45: "a response's events are numbered from 0, without a gap",
  46: 'an event tells its item and its part',
  47: 'a response that was cut is incomplete, and one that failed has failed',
  48: "an error in a response's stream is flat, and the response follows as failed",
  49: 'a tool of a namespace is offered by both names, and called by its own',
  50: "a custom tool's input is one text",
  51: 'reasoning comes sealed as well, and says the same when it comes back',
  52: "a kept response is its key's alone, until it is deleted",
  53: 'input_tokens counts what a response would compute',
  // Anthropic's Messages
  54: "a message's blocks follow each other",
  55: 'a message is pinged by an event',
  56: "an error of a message is in Anthropic's envelope, by its type and its status",
  57: 'a tool_use begins with an empty input, and its deltas join to the whole',
  58: 'a thinking block has a signature, which carries what is not shown',
  59: 'a stop sequence is told, and is no part of the message',
  60: 'count_tokens counts what a message would compute',
  61: "Anthropic's clients are known by their headers: a key, and a list of models",
  62: 'what an agent changes from turn to turn leaves the prefix alone',
  63: 'a prompt that is too long is told in the words by which Claude Code compacts',
  // decisions
  64: "an answer's probabilities sum to 1",
  65: 'the order of the options decides nothing',
  66: 'a decision counts its state once',
  67: 'a state may be JSON',
  68: "a wrong decision is told in its door's own shape",
  // fetchHandler and sluice/ai-sdk
  69: 'a Response is computed as it is read, a window ahead at most',
  70: "cancel() of a Response's body ends its reply",
  71: "a Request's signal ends its reply, also before the headers",
  72: "a provider's stream waits for its reader, and ends with its signal",
  73: "a provider tells a reply's parts in their order, its calls and its usage",
  // Ollama and LM Studio
  74: "a stream of Ollama's is lines of JSON, of which one says that it is the last",
  75: "a silent stream of Ollama's carries a piece without text",
  76: "an error of Ollama's is one text",
  77: "a call of Ollama's is told whole, or not at all",
  78: 'keep_alive says how long a model stays in memory',
  79: 'requests change which models there are where the owner allows it, and only there',
  80: "a client of LM Studio's finds each model, its context and its state",
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
    if (sentence === undefined) throw new RangeError(`There is no check ${number}.`)
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
