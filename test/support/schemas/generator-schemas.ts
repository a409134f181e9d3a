import type { Schema } from './schemas.js'

/**
 * Schemas in the shape that generators give them, written by ourselves: what test/long/generators
 * makes with the generators themselves.
 */

const closed = (properties: Schema, more: Schema = {}): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
})
const text = (more: Schema = {}): Schema => ({ type: 'string', ...more })

/** As zod 4 writes them: patterns beside formats. */
const zod: Schema[] = [
  text({
    format: 'email',
    pattern:
      "^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_'+\\-\\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9-]+\\.)+[a-z]{2,}$",
  }),
  text({
    format: 'email',
    pattern: '^(?:[\\w+\\-]+\\.)*[\\w+\\-]*\\w@(?:\\w[\\w\\-]*\\.)+[A-Za-z]{2,}$',
  }),
  text({ format: 'email', pattern: '^[^@]+@corp\\.example$', maxLength: 40 }),
  text({
    format: 'uuid',
    pattern: '^([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})$',
  }),
  text({
    format: 'date-time',
    pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?Z$',
  }),
  text({ format: 'date', pattern: '^20\\d\\d-(?:0[1-9]|1[0-2])-\\d\\d$' }),
  text({
    format: 'duration',
    pattern: '^P(?!$)(?:\\d+Y)?(?:\\d+M)?(?:T(?=\\d)(?:\\d+H)?(?:\\d+M)?)?$',
  }),
  text({ format: 'ipv4', pattern: '^(?:10|192)\\.' }),
  text({ format: 'hostname', pattern: '^(?=.{1,64}\\.?$)[a-z0-9-]+(?:\\.[a-z0-9-]+)*$' }),
  text({ format: 'cuid', pattern: '^[cC][^\\s-]{8,}$', maxLength: 30 }),
  text({ format: 'jwt' }),
  text({ format: 'base64', contentEncoding: 'base64', pattern: '^$|^(?:[\\w+/]{4}){1,9}$' }),
  text({
    format: 'emoji',
    pattern: '^(?=[\\s\\S]*[\\u{1F600}-\\u{1F64F}])[\\u{1F600}-\\u{1F64F}!]{1,6}$',
  }),
  text({ format: 'lowercase', pattern: '^[^A-Z]*$', maxLength: 9 }),
  {
    type: 'string',
    allOf: [{ pattern: '^ab.*' }, { pattern: '.*z$' }, { pattern: 'q' }],
    maxLength: 12,
  },
  text({ minLength: 3, maxLength: 9, pattern: '^[a-z]+(-[a-z]+)*$' }),
  text({ minLength: 1, maxLength: 300, pattern: '\\S' }),
  text({ format: 'uri', maxLength: 60 }),
  text({ format: 'email', minLength: 8, maxLength: 30 }),
  text({ format: 'uri', pattern: '^ftp://', maxLength: 40 }),
  text({ pattern: '^v-?\\d{1,4}(?:\\.\\d{1,4})?-(x|y)$' }),
  {
    type: 'object',
    propertyNames: { type: 'string', pattern: '^x-[a-z]{1,6}$' },
    additionalProperties: { type: 'boolean' },
    maxProperties: 3,
  },
  {
    type: 'object',
    propertyNames: { type: 'string', enum: ['a', 'b'] },
    additionalProperties: { type: 'integer' },
    required: ['a', 'b'],
  },
  { type: 'array', prefixItems: [{ type: 'boolean' }], items: { type: 'null' }, maxItems: 4 },
  closed({ a: { type: 'integer', minimum: -2147483648, maximum: 2147483647 } }),
  { type: 'number', minimum: -3.4028234663852886e38, maximum: 3.4028234663852886e38 },
  { type: 'number', multipleOf: 0.25, minimum: -2, maximum: 9 },
  { type: 'integer', multipleOf: 7, minimum: 30 },
  { type: 'integer', multipleOf: 60, minimum: -100_000, maximum: 86_400 },
  { type: 'number', multipleOf: 2.5 },
  {
    oneOf: [
      closed({ t: { type: 'string', const: 'a' } }),
      closed({ t: { type: 'string', const: 'b' }, n: { type: 'null' } }),
    ],
  },
]

/** As pydantic writes them: titles, defaults, null as an alternative, sets. */
const pydantic: Schema[] = [
  {
    $defs: { Colour: { enum: ['red', 'green', 'blue'], title: 'Colour', type: 'string' } },
    properties: {
      colours: {
        items: { $ref: '#/$defs/Colour' },
        title: 'Colours',
        type: 'array',
        uniqueItems: true,
      },
      price: {
        anyOf: [
          { minimum: 0.0, type: 'number' },
          { pattern: '^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$', type: 'string', maxLength: 9 },
        ],
        title: 'Price',
      },
      note: { anyOf: [{ maxLength: 8, type: 'string' }, { type: 'null' }], default: null },
    },
    required: ['colours', 'price'],
    title: 'Order',
    type: 'object',
  },
  { maxItems: 2, minItems: 2, prefixItems: [{ type: 'integer' }, { type: 'null' }], type: 'array' },
  { additionalProperties: { maxLength: 5, type: 'string' }, title: 'Tags', type: 'object' },
  { format: 'binary', title: 'Data', type: 'string', maxLength: 9 },
  { format: 'password', type: 'string', writeOnly: true, minLength: 2, maxLength: 9 },
]

/** As OpenAPI 3.0 and 3.1 documents have them. */
const openApi: Schema[] = [
  closed({
    id: { type: 'integer', format: 'int64', example: 10, xml: { attribute: true } },
    parent: { type: 'integer', format: 'int32', nullable: true },
    status: { type: 'string', enum: ['open', 'shut'], nullable: true },
    score: { type: 'number', format: 'float', minimum: 0, maximum: 1 },
  }),
  {
    oneOf: [
      { type: 'string', maxLength: 5 },
      { type: 'string', enum: ['always', 'never'] },
    ],
    discriminator: { propertyName: 'kind' },
    externalDocs: { url: 'https://example.com' },
  },
  {
    type: 'object',
    properties: { a: { type: 'null' }, b: { type: 'null' }, c: { type: 'null' } },
    additionalProperties: false,
    not: { required: ['a', 'b'] },
    minProperties: 1,
  },
  { type: 'string', format: 'byte', maxLength: 24 },
]

/** As TypeBox, ArkType, joi and others write them. */
const others: Schema[] = [
  {
    type: 'object',
    patternProperties: { '^(.*)$': { type: 'integer' } },
    maxProperties: 2,
  },
  {
    type: 'object',
    properties: { id: { type: 'null' } },
    patternProperties: { '^n_[a-z]{1,4}$': { type: 'number' }, _s$: { type: 'integer' } },
    additionalProperties: false,
  },
  {
    anyOf: [
      { const: 'a', type: 'string' },
      { const: 'b', type: 'string' },
    ],
  },
  {
    type: 'array',
    uniqueItems: true,
    items: { anyOf: [{ const: 'a' }, { const: 'b' }, { const: 3 }] },
    minItems: 2,
  },
  {
    type: 'array',
    uniqueItems: true,
    items: { enum: Array.from({ length: 30 }, (_, i) => `v${i}`) },
    minItems: 3,
    maxItems: 6,
  },
  { type: 'array', uniqueItems: true, items: { type: 'integer', minimum: 1, maximum: 31 } },
  { type: 'array', uniqueItems: true, items: { type: 'boolean' }, minItems: 1 },
  { type: 'array', items: { type: 'boolean' }, contains: { const: true }, maxItems: 4 },
  {
    type: 'array',
    items: { enum: [1, 2] },
    contains: { const: 2 },
    minContains: 2,
    maxContains: 2,
  },
  {
    type: 'array',
    items: [{ const: 1 }, { const: 2 }],
    additionalItems: { const: 3 },
    maxItems: 4,
  },
  { type: 'array', items: [{ const: 1 }, { const: 2 }], additionalItems: false },
  closed(
    { kind: { enum: ['card', 'cash'] } },
    {
      properties: { kind: { enum: ['card', 'cash'] }, number: { type: 'integer' } },
      required: ['kind'],
      if: { properties: { kind: { const: 'card' } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { required: ['number'] },
      else: { properties: { number: false } },
    },
  ),
  {
    type: 'object',
    properties: { a: { type: 'null' }, b: { type: 'boolean' }, c: { type: 'integer' } },
    dependentRequired: { a: ['b'] },
    dependencies: { b: { required: ['c'] } },
    additionalProperties: false,
  },
  { type: 'string', not: { enum: ['', 'a', 'ab'] }, maxLength: 3 },
  { type: ['string', 'integer', 'null'], not: { type: 'string' } },
  { enum: ['a', 'bb', 'ccc', 3], not: { const: 'bb' } },
  { type: 'string', enum: ['x1', 'y1', 'x22'], pattern: '^x' },
  { type: 'integer', not: { minimum: 3 }, minimum: -3 },
  { type: 'string', pattern: '\\bcat\\b', maxLength: 20 },
  { type: 'string', pattern: '^(?:(?!--)[a-z-]){1,12}(?<!-)$' },
  { type: 'string', pattern: '^\\p{Lu}\\p{Ll}{1,5}$' },
  { type: 'string', pattern: '^(a*)*$', maxLength: 4 },
  { $ref: '#node', $defs: { n: { $anchor: 'node', ...closed({ n: { type: 'null' } }) } } },
  {
    $id: 'https://example.com/tree',
    $dynamicAnchor: 'node',
    ...closed({ children: { type: 'array', items: { $dynamicRef: '#node' }, maxItems: 1 } }),
  },
  {
    $id: 'https://example.com/root.json',
    $ref: 'parts/leaf.json',
    $defs: {
      leaf: {
        $id: 'parts/leaf.json',
        type: 'array',
        items: { $ref: '#/$defs/one' },
        maxItems: 2,
        $defs: { one: { type: 'boolean' } },
      },
    },
  },
  closed({ 'a/b%c': { $ref: '#/$defs/x~1y%25z' } }, { $defs: { 'x/y%z': { type: 'boolean' } } }),
  {
    allOf: [
      { anyOf: [{ required: ['a'] }, { required: ['b'] }] },
      { anyOf: [{ properties: { c: { const: 1 } } }, { properties: { c: { const: 2 } } }] },
    ],
    type: 'object',
    properties: { a: { type: 'null' }, b: { type: 'null' }, c: { type: 'integer' } },
    required: ['c'],
  },
  {
    allOf: [
      { type: 'array', prefixItems: [{ type: 'integer' }, { type: 'integer' }] },
      { type: 'array', prefixItems: [{ minimum: 5, maximum: 7 }], items: { type: 'number' } },
    ],
    maxItems: 3,
  },
]

export const generatorSchemas: readonly Schema[] = [...zod, ...pydantic, ...openApi, ...others]
