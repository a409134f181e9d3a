import type { Input } from '../../../options/inputs.js'

/** Where a request's prompt stands in it: `prompt`, or `prompt[2]` among several. */
export function promptPath(all: readonly Input[], index: number): string {
  return all.length === 1 ? 'prompt' : `prompt[${index}]`
}
