/**
 * Schemas of tools' arguments as generators, MCP servers and hands write them: valid ones, over
 * which chat templates trip, and malformed ones.
 */

export interface ToolShape {
  readonly name: string
  readonly parameters: Record<string, unknown>
  /** Names and descriptions that a prompt must have; others are found in the schema. */
  readonly more?: readonly string[]
}

const text = (description: string) => ({ type: 'string', description })
const object = (properties: Record<string, unknown>, more: object = {}) => {
  return { type: 'object', properties, ...more }
}

let depth: unknown = { type: 'string', description: 'the innermost of them' }
for (let i = 9; i > 0; i--) {
  depth = object({ [`level_${i}`]: depth }, { description: `what level ${i} is in` })
}

const methods = ['items', 'keys', 'values', 'get', 'update', 'pop', 'length', 'copy', 'join']
const words = ['type', 'description', 'properties', 'required', 'nullable', 'enum', 'default']

const tree = object(
  {
    label: text('what it is called'),
    children: { type: 'array', items: { $ref: '#/$defs/tree' }, description: 'those below it' },
  },
  { description: 'a node of it' },
)

export const validShapes: ToolShape[] = [
  { name: 'plain', parameters: object({ city: text('where it is') }, { required: ['city'] }) },
  { name: 'array without items', parameters: object({ tags: { type: 'array' } }) },
  {
    name: 'array without items, described',
    parameters: object({ tags: { type: 'array', description: 'words for it' } }),
  },
  { name: 'true', parameters: object({ anything: true }) },
  { name: 'empty schema', parameters: object({ anything: {} }) },
  { name: 'false', parameters: object({ never: false, city: text('where it is') }) },
  { name: 'types', parameters: object({ id: { type: ['string', 'null'], description: 'of it' } }) },
  { name: 'several types', parameters: object({ id: { type: ['string', 'integer', 'array'] } }) },
  { name: 'one type in a list', parameters: object({ id: { type: ['string'] } }) },
  {
    name: '$ref',
    parameters: object(
      { place: { $ref: '#/$defs/place' } },
      { $defs: { place: object({ city: text('where it is') }) } },
    ),
  },
  {
    name: '$ref with words of its own',
    parameters: object(
      { place: { $ref: '#/definitions/place', description: 'the place to go' } },
      { definitions: { place: object({ city: text('where it is') }, { description: 'a place' }) } },
    ),
  },
  {
    name: '$ref that recurs',
    parameters: object({ root: { $ref: '#/$defs/tree' } }, { $defs: { tree } }),
  },
  {
    name: '$ref at the root',
    parameters: {
      $ref: '#/$defs/place',
      $defs: { place: object({ city: text('where it is') }, { required: ['city'] }) },
    },
  },
  {
    name: 'anyOf',
    parameters: object({ id: { anyOf: [{ type: 'string' }, { type: 'integer' }] } }),
  },
  {
    name: 'anyOf null, described',
    parameters: object({
      id: { anyOf: [{ type: 'string' }, { type: 'null' }], default: null, description: 'of it' },
    }),
  },
  {
    name: 'anyOf objects',
    parameters: object({
      place: {
        anyOf: [object({ city: text('where it is') }), object({ lat: { type: 'number' } })],
      },
    }),
  },
  {
    name: 'oneOf',
    parameters: object({ when: { oneOf: [{ type: 'integer' }, { const: 'now' }] } }),
  },
  {
    name: 'oneOf described',
    parameters: object({
      when: { oneOf: [{ type: 'integer', description: 'in seconds' }, text('in words')] },
    }),
  },
  {
    name: 'allOf',
    parameters: object({
      place: { allOf: [object({ city: text('where it is') }), object({ zip: text('its code') })] },
    }),
  },
  {
    name: 'anyOf at the root',
    parameters: { anyOf: [object({ a: text('the one') }), object({ b: text('the other') })] },
  },
  { name: 'const', parameters: object({ unit: { const: 'm' } }) },
  { name: 'const and type', parameters: object({ unit: { type: 'string', const: 'm' } }) },
  { name: 'enum without type', parameters: object({ unit: { enum: ['m', 'km'] } }) },
  { name: 'enum of numbers', parameters: object({ size: { type: 'integer', enum: [1, 2, 3] } }) },
  { name: 'enum of numbers, default', parameters: object({ size: { enum: [1, 2], default: 1 } }) },
  { name: 'enum of all kinds', parameters: object({ size: { enum: [1, 'two', null, true] } }) },
  {
    name: 'string enum with null',
    parameters: object({ unit: { type: ['string', 'null'], enum: ['m', null], default: null } }),
  },
  { name: 'no properties', parameters: { type: 'object' } },
  { name: 'empty properties', parameters: object({}) },
  { name: 'nothing at all', parameters: {} },
  { name: 'no type at the top', parameters: { properties: { city: text('where it is') } } },
  { name: 'no type of a property', parameters: object({ city: { description: 'where it is' } }) },
  { name: 'description null', parameters: object({ city: { type: 'string', description: null } }) },
  { name: 'description empty', parameters: object({ city: { type: 'string', description: '' } }) },
  { name: 'default null', parameters: object({ city: { type: 'string', default: null } }) },
  { name: 'default object', parameters: object({ at: { type: 'object', default: { a: [1] } } }) },
  { name: 'default boolean', parameters: object({ all: { type: 'boolean', default: false } }) },
  {
    name: 'nested objects',
    parameters: object({
      filter: object(
        { from: text('the first day'), to: text('the last day') },
        { description: 'which ones', required: ['from'] },
      ),
    }),
  },
  {
    name: 'array of objects',
    parameters: object({
      edits: {
        type: 'array',
        items: object({ old_text: text('what was'), new_text: text('what will be') }),
      },
    }),
  },
  {
    name: 'arrays of arrays',
    parameters: object({
      rows: { type: 'array', items: { type: 'array', items: { type: 'number' } } },
    }),
  },
  {
    name: 'prefixItems',
    parameters: object({
      pair: { type: 'array', prefixItems: [text('the first'), { type: 'integer' }], items: false },
    }),
  },
  {
    name: 'items in a list',
    parameters: object({ pair: { type: 'array', items: [text('the first'), text('the second')] } }),
  },
  { name: 'items true', parameters: object({ all: { type: 'array', items: true } }) },
  { name: 'items empty', parameters: object({ all: { type: 'array', items: {} } }) },
  {
    name: 'additionalProperties',
    parameters: object({
      headers: { type: 'object', additionalProperties: { type: 'string' } },
      any: { type: 'object', additionalProperties: true },
      none: { type: 'object', additionalProperties: {} },
    }),
  },
  {
    name: 'additionalProperties described',
    parameters: object({
      headers: { type: 'object', additionalProperties: object({ value: text('of the header') }) },
    }),
  },
  { name: 'nullable', parameters: object({ city: { type: 'string', nullable: true } }) },
  { name: 'unicode', parameters: object({ straße: text('wohin – ä 漢字 🌍') }) },
  { name: 'quotes', parameters: object({ sql: text('such as "SELECT \'x\'" <b>\n  & more') }) },
  { name: 'deep', parameters: object({ outermost: depth }) },
  {
    name: 'methods',
    parameters: object(Object.fromEntries(methods.map((one) => [one, text(`its ${one} of it`)]))),
  },
  {
    name: 'methods, bare',
    parameters: object(Object.fromEntries(methods.map((one) => [one, { type: 'string' }]))),
  },
  {
    name: "a schema's words",
    parameters: object(Object.fromEntries(words.map((one) => [one, text(`its ${one} of it`)]))),
  },
  {
    name: "a schema's words within",
    parameters: object({
      of: object(Object.fromEntries(words.map((one) => [one, text(`its ${one} of it`)]))),
    }),
  },
  {
    name: 'names',
    parameters: object({
      name: text('who it is'),
      parameters: text('what with'),
      function: text('to do'),
      tool: text('to do it with'),
      content: text('of it'),
      role: text('in it'),
    }),
  },
  {
    name: 'conditions',
    parameters: object(
      { kind: text('of thing') },
      { if: { required: ['kind'] }, else: { maxProperties: 1 }, not: { required: ['x'] } },
    ),
  },
  {
    name: 'patternProperties',
    parameters: object({
      of: { type: 'object', patternProperties: { '^x': text('what begins so') } },
    }),
  },
  {
    name: 'bounds',
    parameters: object({
      n: { type: 'integer', minimum: 0, exclusiveMaximum: 9 },
      s: { type: 'string', minLength: 1, maxLength: 5, pattern: '^a' },
    }),
  },
  {
    name: 'examples',
    parameters: object({ city: { type: 'string', examples: ['Rome', 'Oslo'] } }),
  },
  { name: 'format', parameters: object({ at: { type: 'string', format: 'date-time' } }) },
  {
    name: 'draft 2020',
    parameters: object(
      { city: text('where it is') },
      { $schema: 'https://json-schema.org/draft/2020-12/schema', $id: 'x', title: 'Args' },
    ),
  },
  {
    name: 'draft 4',
    parameters: object({ n: { type: 'number', minimum: 0, exclusiveMinimum: true } }),
  },
]

export const malformedShapes: ToolShape[] = [
  { name: 'required null', parameters: object({ city: text('where it is') }, { required: null }) },
  { name: 'required true', parameters: object({ city: text('where it is') }, { required: true }) },
  { name: 'required within', parameters: object({ city: { type: 'string', required: true } }) },
  { name: 'properties in a list', parameters: { type: 'object', properties: [] } },
  { name: 'properties null', parameters: { type: 'object', properties: null } },
  {
    name: 'type any',
    parameters: object({ what: { type: 'any', description: 'whatever it is' } }),
  },
  { name: 'type int', parameters: object({ n: { type: 'int' }, s: { type: 'str' } }) },
  {
    name: 'type in capitals',
    parameters: { type: 'OBJECT', properties: { city: { type: 'STRING' } } },
  },
  { name: 'type null', parameters: object({ city: { type: null } }) },
  { name: '$ref to nothing', parameters: object({ place: { $ref: '#/$defs/place' } }) },
  {
    name: '$ref elsewhere',
    parameters: object({ place: { $ref: 'https://example.com/place.json' } }),
  },
  { name: '$ref to itself', parameters: object({ place: { $ref: '#/properties/place' } }) },
  { name: 'no expression', parameters: object({ city: { type: 'string', pattern: '(' } }) },
  { name: 'enum empty', parameters: object({ city: { type: 'string', enum: [] } }) },
  { name: 'enum null', parameters: object({ city: { type: 'string', enum: null } }) },
  { name: 'a type in a place', parameters: object({ city: 'string', zip: null, n: 7 }) },
  { name: 'items null', parameters: object({ all: { type: 'array', items: null } }) },
  { name: 'items none', parameters: object({ all: { type: 'array', items: [] } }) },
  { name: 'anyOf none', parameters: object({ city: { anyOf: [] } }) },
  { name: 'count in words', parameters: object({ city: { type: 'string', maxLength: '5' } }) },
  {
    name: 'additionalProperties null',
    parameters: object({ city: text('where it is') }, { additionalProperties: null }),
  },
]

/** Each name and description that a prompt must have of a schema. */
export function textsOf(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  if (Array.isArray(schema)) return schema.flatMap(textsOf)
  const one = schema as Record<string, unknown>
  const { properties, description } = one
  const isMap = typeof properties === 'object' && properties !== null && !Array.isArray(properties)
  const maps = ['properties', 'patternProperties', '$defs', 'definitions']
  const within = Object.entries(one).flatMap(([key, value]) => {
    if (typeof value !== 'object' || value === null || key === 'default') return []
    return maps.includes(key) ? Object.values(value).flatMap(textsOf) : textsOf(value)
  })
  return [
    ...(isMap ? Object.keys(properties) : []),
    ...(typeof description === 'string' && description !== '' ? [description] : []),
    ...within,
  ]
}
