// `node scripts/openai-schema.mjs`: writes test/support/wire/openai.schema.json from the type
// declarations of the pinned openai package. The tests hold what this server sends against it, and
// one of them compares the file with what would be written now.

import fs from 'node:fs'
import { pathToFileURL } from 'node:url'
import { createGenerator } from 'ts-json-schema-generator'
import { inRoot } from './support/root.mjs'

const target = inRoot('test/support/wire/openai.schema.json')

/** The file's text: objects take no fields but the declared ones. */
export function openAiSchema() {
  const generator = createGenerator({
    path: inRoot('test/support/wire/openai-types.ts'),
    tsconfig: inRoot('tsconfig.check.json'),
    type: 'OpenAiTypes',
    jsDoc: 'none',
    additionalProperties: false,
    // Our own code has its types checked elsewhere, by another version of TypeScript.
    skipTypeCheck: true,
  })
  return `${JSON.stringify(generator.createSchema('OpenAiTypes'), null, 1)}\n`
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  fs.writeFileSync(target, openAiSchema())
  console.log(`wrote ${target}`)
}
