import { createFunctionCallingParser } from '@langchain/core/language_models/structured_output'
import type { AIMessageChunk } from '@langchain/core/messages'
import { RunnableLambda } from '@langchain/core/runnables'
import { toJsonSchema } from '@langchain/core/utils/json_schema'
import type { OpenAiTool } from '../api/openai-types.js'

/** A form that is asked for as a call of a tool, by the names that LangChain gives it. */

// biome-ignore lint/suspicious/noExplicitAny: as LangChain's own declarations have it
type AnySchema = any

/** A tool whose arguments are of the form. */
export function toolOfSchema(schema: AnySchema, given: string | undefined): OpenAiTool {
  const parameters = toJsonSchema(schema) as Record<string, unknown>
  const { name: own, description: told } = parameters
  const name = given ?? (typeof own === 'string' ? own : 'extract')
  const description = typeof told === 'string' ? told : 'A function available to call.'
  return { type: 'function', function: { name, description, parameters } }
}

/** Reads the call's arguments, and validates them where the schema can. */
export function callParser(schema: AnySchema, name: string) {
  const holdsCall = (message: AIMessageChunk) => {
    if (message.tool_calls?.some((call) => call.name === name)) return message
    const { finish_reason: end } = message.response_metadata ?? {}
    throw new Error(
      `the reply holds no whole call of ${JSON.stringify(name)}; it ended by "${end}"`,
    )
  }
  return RunnableLambda.from(holdsCall).pipe(createFunctionCallingParser(schema, name))
}
