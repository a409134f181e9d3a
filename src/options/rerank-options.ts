import type { RerankOptions } from '../api/embedding-types.js'
import {
  abortSignal,
  anOwner,
  aString,
  demand,
  int32Max,
  integerFrom,
  parseFields,
  readable,
  wrong,
} from './checks.js'
import { inputsMax } from './inputs.js'

/** @throws InvalidOptionError */
export function parseQuery(input: unknown): string {
  return demand('query', input, aString)
}

/** @throws InvalidOptionError, with the path of what is wrong, for example `documents[3]` */
export function parseDocuments(input: unknown): string[] {
  return readable('documents', 'texts', () => {
    if (!Array.isArray(input) || input.length === 0 || input.length > inputsMax) {
      throw wrong('documents', `an array of 1 to ${inputsMax} texts`, input)
    }
    return Array.from(input as unknown[], (one, i) => demand(`documents[${i}]`, one, aString))
  })
}

/** Each document is scored beside a copy of the query: 64 MiB of those copies. */
const queryCopiesMax = 2 ** 26

/** @throws InvalidOptionError where the copies of a query would take too much memory */
export function checkQueryCopies(query: string, documents: number): void {
  if (Buffer.byteLength(query) * documents <= queryCopiesMax) return
  const most = Math.floor(queryCopiesMax / documents)
  throw wrong('query', `at most ${most} bytes beside ${documents} documents`, query)
}

/** @throws InvalidOptionError, with the option's name */
export function parseRerankOptions(input: unknown): RerankOptions {
  return parseFields<RerankOptions>(input, {
    topN: integerFrom(1, int32Max),
    owner: anOwner,
    signal: abortSignal,
  })
}
