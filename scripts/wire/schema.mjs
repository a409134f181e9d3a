import { createGenerator } from 'ts-json-schema-generator'
import { inRoot } from '../support/root.mjs'

/**
 * JSON Schemas of what declarations say, as a file's text: objects take no fields but the declared
 * ones.
 *
 * @param {string} file that has the type
 * @param {string} type an interface whose properties name the declarations
 */
export function wireSchema(file, type) {
  const generator = createGenerator({
    path: inRoot(file),
    tsconfig: inRoot('tsconfig.check.json'),
    type,
    jsDoc: 'none',
    additionalProperties: false,
    // Our own code has its types checked elsewhere, by another version of TypeScript.
    skipTypeCheck: true,
  })
  return `${JSON.stringify(generator.createSchema(type), null, 1)}\n`
}
