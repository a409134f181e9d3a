import type { Schema } from './schemas.js'

/**
 * What pydantic 2 makes of Python's types, written by hand from its documentation: no Python runs
 * here. By what the type is called there.
 */
const field = (schema: Schema): Schema => ({ title: 'Field', ...schema })
const model = (properties: Schema, more: Schema = {}): Schema => ({
  properties: Object.fromEntries(
    Object.entries(properties).map(([key, schema]) => [key, field(schema as Schema)]),
  ),
  required: Object.keys(properties),
  title: 'Model',
  type: 'object',
  ...more,
})
const text = (more: Schema = {}): Schema => ({ type: 'string', ...more })
const nullable = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }], default: null })
const decimal = '^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$'

export const pydanticSchemas: Readonly<Record<string, Schema>> = {
  str: model({ a: text() }),
  constr: model({ a: text({ minLength: 1, maxLength: 20, pattern: '^[a-z ]+$' }) }),
  int: model({ a: { type: 'integer' } }),
  conint: model({ a: { type: 'integer', exclusiveMinimum: 0, multipleOf: 5 } }),
  confloat: model({ a: { type: 'number', minimum: 0, maximum: 1 } }),
  bool: model({ a: { type: 'boolean' } }),
  bytes: model({ a: text({ format: 'binary', maxLength: 9 }) }),
  base64: model({ a: text({ format: 'base64', maxLength: 9 }) }),
  None: model({ a: { type: 'null' } }),
  Any: model({ a: {} }),
  Decimal: model({ a: { anyOf: [{ type: 'number' }, text({ pattern: decimal })] } }),
  DecimalString: model({ a: text({ pattern: decimal }) }),
  condecimal: model({
    a: {
      anyOf: [
        { exclusiveMinimum: 0, type: 'number' },
        text({
          pattern: '^(?!^[-+.]*$)[+-]?0*(?:\\d{0,8}|(?=[\\d.]{1,11}0*$)\\d{0,8}\\.\\d{0,2}0*$)',
        }),
      ],
    },
  }),
  datetime: model({ a: text({ format: 'date-time' }) }),
  date: model({ a: text({ format: 'date' }) }),
  time: model({ a: text({ format: 'time' }) }),
  timedelta: model({ a: text({ format: 'duration' }) }),
  UUID: model({ a: text({ format: 'uuid' }) }),
  UUID4: model({ a: text({ format: 'uuid4' }) }),
  Path: model({ a: text({ format: 'path' }) }),
  FilePath: model({ a: text({ format: 'file-path' }) }),
  AnyUrl: model({ a: text({ format: 'uri', minLength: 1 }) }),
  HttpUrl: model({ a: text({ format: 'uri', maxLength: 2083, minLength: 1 }) }),
  PostgresDsn: model({ a: text({ format: 'multi-host-uri', maxLength: 60 }) }),
  EmailStr: model({ a: text({ format: 'email' }) }),
  NameEmail: model({ a: text({ format: 'name-email', maxLength: 20 }) }),
  IPv4Address: model({ a: text({ format: 'ipv4' }) }),
  IPv6Address: model({ a: text({ format: 'ipv6' }) }),
  IPv4Network: model({ a: text({ format: 'ipv4network', maxLength: 20 }) }),
  IPvAnyAddress: model({ a: text({ format: 'ipvanyaddress', maxLength: 20 }) }),
  SecretStr: model({ a: text({ format: 'password', writeOnly: true }) }),
  Json: model({ a: text({ contentMediaType: 'application/json', contentSchema: {} }) }),
  Pattern: model({ a: text({ format: 'regex', maxLength: 30 }) }),
  Color: model({ a: text({ format: 'color' }) }),
  Enum: model(
    { a: { $ref: '#/$defs/Colour' } },
    { $defs: { Colour: { enum: ['red', 'blue'], title: 'Colour', type: 'string' } } },
  ),
  IntEnum: model(
    { a: { $ref: '#/$defs/Level', default: 1 } },
    { $defs: { Level: { enum: [1, 2], title: 'Level', type: 'integer' } } },
  ),
  Literal: model({ a: { enum: ['a', 1, null] } }),
  LiteralOne: model({ a: { const: 'a', type: 'string' } }),
  Optional: model({ a: nullable(text()) }, { required: [] }),
  Union: model({ a: { anyOf: [{ type: 'integer' }, text()] } }),
  list: model({ a: { items: { type: 'integer' }, type: 'array' } }),
  listAny: model({ a: { items: {}, type: 'array' } }),
  conlist: model({ a: { items: text(), maxItems: 3, minItems: 1, type: 'array' } }),
  tuple: model({
    a: { maxItems: 2, minItems: 2, prefixItems: [text(), { type: 'integer' }], type: 'array' },
  }),
  tupleOf: model({ a: { items: { type: 'boolean' }, type: 'array' } }),
  setOfEnum: model({ a: { items: { enum: ['a', 'b'] }, type: 'array', uniqueItems: true } }),
  setOfInts: model({
    a: { items: { maximum: 9, minimum: 0, type: 'integer' }, type: 'array', uniqueItems: true },
  }),
  setOfStr: model({ a: { items: text(), type: 'array', uniqueItems: true } }),
  dict: model({ a: { additionalProperties: { type: 'integer' }, type: 'object' } }),
  dictAny: model({ a: { additionalProperties: true, type: 'object' } }),
  dictOfPattern: model({
    a: { patternProperties: { '^[a-z]{1,4}$': { type: 'integer' } }, type: 'object' },
  }),
  dictOfEnum: model({
    a: { additionalProperties: { type: 'null' }, propertyNames: { enum: ['a'] }, type: 'object' },
  }),
  TypedDict: model({ a: text() }, { additionalProperties: false }),
  forbid: model({ a: text(), b: { type: 'integer' } }, { additionalProperties: false }),
  allow: model({ a: text() }, { additionalProperties: true }),
  recursive: {
    $defs: {
      Node: model(
        {
          value: { type: 'integer' },
          children: { items: { $ref: '#/$defs/Node' }, maxItems: 2, type: 'array' },
        },
        { title: 'Node' },
      ),
    },
    $ref: '#/$defs/Node',
  },
  discriminated: {
    $defs: {
      Cat: model({ kind: { const: 'cat', type: 'string' }, lives: { type: 'integer' } }),
      Dog: model({ kind: { const: 'dog', type: 'string' }, barks: { type: 'boolean' } }),
    },
    discriminator: {
      mapping: { cat: '#/$defs/Cat', dog: '#/$defs/Dog' },
      propertyName: 'kind',
    },
    oneOf: [{ $ref: '#/$defs/Cat' }, { $ref: '#/$defs/Dog' }],
  },
  nested: model(
    { inner: { allOf: [{ $ref: '#/$defs/Inner' }], description: 'of version 2.8 and before' } },
    { $defs: { Inner: model({ a: text({ maxLength: 9 }) }) } },
  ),
  root: { items: { type: 'integer' }, title: 'Numbers', type: 'array' },
  dataclass: model({ a: { default: 3, type: 'integer' } }, { required: [] }),
  computed: model({ a: { readOnly: true, type: 'number' } }),
  alias: model({ 'first-name': text({ examples: ['Ada'], deprecated: true }) }),
}
