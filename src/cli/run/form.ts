import { reasonOf } from '../../api/show.js'
import { CompiledSchema } from '../../engine/compiled-schema.js'
import { refused } from '../../options/checks.js'
import { readTextFile } from './text-input.js'

const flag = '--schema'

/**
 * A JSON Schema from a file, or as it is given where it begins with a brace.
 * @throws InvalidOptionError for what is no JSON, InvalidSchemaError for what cannot be kept to
 */
export async function readSchema(given: string): Promise<CompiledSchema> {
  const isOwn = given.trimStart().startsWith('{')
  const text = isOwn ? given : await readTextFile(flag, given)
  return new CompiledSchema(parsed(text, isOwn ? 'it' : given), flag)
}

function parsed(text: string, name: string): object {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw refused(flag, 'a JSON Schema, or a file of one', `no JSON: ${name} (${reasonOf(cause)})`)
  }
}
