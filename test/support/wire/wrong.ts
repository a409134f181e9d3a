import { expect } from 'vitest'

/** What the text of an error says of a field: what was expected there, and what came. */
export function saysWhatCame(field: string): RegExp {
  const escaped = field.replaceAll(/[.[\]$]/g, '\\$&')
  return new RegExp(`^'${escaped}': expected .{4,300}, but (got|there is no) .+\\.$`)
}

/** The body of an error of OpenAI's for a field that is wrong. */
export function wrongField(param: string, code: string | null = null): object {
  const message = expect.stringMatching(saysWhatCame(param))
  return { error: { message, type: 'invalid_request_error', param, code } }
}
