import { InvalidReplyError } from '../../api/errors.js'
import { reasonOf, show } from '../../api/show.js'
import type { SchemaIssue, StandardResult, StandardSchema } from '../../api/standard-schema.js'
import type { ChoiceResult } from '../../api/types.js'

/** What of a schema reads the value of a reply. */
export interface ReadsObject {
  /** Validates it, where the schema was given as a Standard Schema. */
  readonly standard: StandardSchema | undefined
}

/**
 * The value of a choice's text, by its schema's own rules where it has such.
 * @throws InvalidReplyError
 */
export async function readObject(
  choice: ChoiceResult,
  schema: ReadsObject | undefined,
): Promise<unknown> {
  const value = parsed(choice)
  if (schema?.standard === undefined) return value
  const result = await validated(schema.standard, value, choice)
  if (result.issues === undefined) return result.value
  const { issues } = result
  throw invalid(`expected what its schema allows, but got ${issuesText(issues)}`, choice, {
    issues,
  })
}

function parsed(choice: ChoiceResult): unknown {
  const { text, finishReason } = choice
  try {
    const value: unknown = JSON.parse(text)
    // Of a number that was cut, the rest is missing without a sign.
    if (finishReason !== 'length' && finishReason !== 'cancelled') return value
    if (typeof value !== 'number') return value
  } catch (cause) {
    throw invalid(whyNoJson(choice), choice, { cause })
  }
  throw invalid(whyNoJson(choice), choice)
}

/** What came in the place of JSON, and what to do. */
function whyNoJson({ text, finishReason, limit, toolCalls }: ChoiceResult): string {
  const characters = `${text.length} characters of JSON`
  const whole = 'expected whole JSON, but got'
  if (finishReason === 'length' && limit === 'context') {
    return `${whole} ${characters}, cut where the context was full; load with a larger context`
  }
  if (finishReason === 'length') return `${whole} ${characters}, cut by maxTokens; raise it`
  if (finishReason === 'cancelled') return `${whole} ${characters}: the reply was cancelled`
  if (toolCalls !== undefined) {
    return `${whole} calls of tools; read done.toolCalls, or give toolChoice "none"`
  }
  return `${whole} ${show(text)}; ask for it with the option schema or json`
}

async function validated(
  schema: StandardSchema,
  value: unknown,
  choice: ChoiceResult,
): Promise<StandardResult<unknown>> {
  try {
    return await schema['~standard'].validate(value)
  } catch (cause) {
    const came = `an error of its schema's validation (${reasonOf(cause)})`
    throw invalid(`expected what its schema allows, but got ${came}`, choice, { cause })
  }
}

const issuesShownMax = 3

/** What a schema finds wrong, in a line. */
export function issuesText(issues: readonly SchemaIssue[]): string {
  const shown = issues.slice(0, issuesShownMax).map(({ message, path = [] }) => {
    const at = path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.')
    return at === '' ? message : `${at}: ${message}`
  })
  const more = issues.length - shown.length
  return `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`
}

function invalid(
  message: string,
  { text, finishReason, limit }: ChoiceResult,
  more: { issues?: readonly SchemaIssue[]; cause?: unknown } = {},
): InvalidReplyError {
  return new InvalidReplyError(`the reply has no object: ${message}`, {
    text,
    finishReason,
    limit,
    ...more,
  })
}
