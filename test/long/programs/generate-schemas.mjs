// Prints what schema generators make of types: `node generate-schemas.mjs FOLDER GENERATOR`, where
// FOLDER has the generator in its node_modules. JSON: [name, schema] each.

import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder, generator] = process.argv.slice(2)
const require = createRequire(path.join(folder, 'index.js'))
const load = (name) => import(pathToFileURL(require.resolve(name)).href)
const range = (count) => Array.from({ length: count }, (_, i) => i)

/** @type {Record<string, () => Promise<[string, unknown][]>>} */
const generators = {
  zod4: async () => {
    const { z } = await load('zod')
    const types = { ...zodTypes(z), ...zod4Strings(z), ...zod4Others(z) }
    return Object.entries(types).flatMap(([name, type]) => {
      return ['input', 'output'].flatMap((io) => {
        const options = { io, unrepresentable: 'any' }
        return name.length % 2 === 0 || io === 'output'
          ? [[`${name} (${io})`, z.toJSONSchema(type, options)]]
          : []
      })
    })
  },

  zod3: async () => {
    const { z } = await load('zod')
    const { zodToJsonSchema } = await load('zod-to-json-schema')
    const types = zodTypes(z)
    Object.assign(types, {
      email: z.string().email(),
      emailMax: z.string().email().min(6).max(100),
      url: z.string().url(),
      urlMax: z.string().url().max(500),
      uuid: z.string().uuid(),
      cuid: z.string().cuid(),
      cuid2: z.string().cuid2(),
      ulid: z.string().ulid(),
      nanoid: z.string().nanoid(),
      emoji: z.string().emoji(),
      ip: z.string().ip(),
      ipv6: z.string().ip({ version: 'v6' }),
      cidr: z.string().cidr(),
      jwt: z.string().jwt(),
      base64: z.string().base64(),
      base64url: z.string().base64url(),
      date: z.string().date(),
      time: z.string().time(),
      datetime: z.string().datetime(),
      datetimeOffset: z.string().datetime({ offset: true }),
      duration: z.string().duration(),
      passthrough: z.object({ a: z.string() }).passthrough(),
      strict: z.object({ a: z.string() }).strict(),
      catchall: z.object({ a: z.string() }).catchall(z.boolean()),
    })
    return Object.entries(types).flatMap(([name, type], i) => {
      const target = ['jsonSchema7', 'jsonSchema2019-09', 'openApi3'][i % 3]
      const options = { target, ...(i % 4 === 0 ? { name: 'Root' } : {}) }
      return [[`${name} (${target})`, zodToJsonSchema(type, options)]]
    })
  },

  typebox: async () => {
    const { Type } = await load('@sinclair/typebox')
    const types = {
      string: Type.String({ minLength: 2, maxLength: 20 }),
      pattern: Type.String({ pattern: '^[a-z]+$', minLength: 3 }),
      regexp: Type.RegExp(/^\d{3}-[A-F]{2,4}$/i.source),
      format: Type.String({ format: 'date-time' }),
      formatMax: Type.String({ format: 'email', maxLength: 64 }),
      unknownFormat: Type.String({ format: 'phone' }),
      number: Type.Number({ minimum: 0.5, exclusiveMaximum: 12.25 }),
      multiple: Type.Number({ multipleOf: 0.5 }),
      integer: Type.Integer({ multipleOf: 5, minimum: 10 }),
      boolean: Type.Boolean(),
      null: Type.Null(),
      literal: Type.Literal('x'),
      union: Type.Union([Type.Literal('a'), Type.Literal('b'), Type.Number()]),
      enum: Type.Enum({ A: 'a', B: 2 }),
      array: Type.Array(Type.String({ maxLength: 4 }), { minItems: 1, maxItems: 3 }),
      set: Type.Array(Type.Union([Type.Literal('a'), Type.Literal('b')]), { uniqueItems: true }),
      contains: Type.Array(Type.Integer(), { contains: Type.Literal(7), maxItems: 4 }),
      tuple: Type.Tuple([Type.String(), Type.Integer()]),
      emptyTuple: Type.Tuple([]),
      object: Type.Object({ a: Type.String(), b: Type.Optional(Type.Integer()) }),
      closed: Type.Object({ a: Type.String() }, { additionalProperties: false }),
      open: Type.Object({ a: Type.String() }, { additionalProperties: Type.Number() }),
      counted: Type.Object(
        { a: Type.Optional(Type.Null()), b: Type.Optional(Type.Null()) },
        { minProperties: 1, additionalProperties: false },
      ),
      record: Type.Record(Type.String(), Type.Integer()),
      recordOfNumbers: Type.Record(Type.Number(), Type.Boolean()),
      recordOfPattern: Type.Record(Type.RegExp(/^x-/), Type.Boolean()),
      recordOfKeys: Type.Record(Type.Union([Type.Literal('a'), Type.Literal('b')]), Type.Null()),
      intersect: Type.Intersect([
        Type.Object({ a: Type.String() }),
        Type.Object({ b: Type.Number() }),
      ]),
      intersectClosed: Type.Intersect(
        [Type.Object({ a: Type.String() }), Type.Object({ b: Type.Number() })],
        { unevaluatedProperties: false },
      ),
      composite: Type.Composite([Type.Object({ a: Type.Null() }), Type.Object({ b: Type.Null() })]),
      partial: Type.Partial(Type.Object({ a: Type.Null(), b: Type.Null() })),
      pick: Type.Pick(Type.Object({ a: Type.Null(), b: Type.Null() }), ['a']),
      recursive: Type.Recursive((This) =>
        Type.Object({ id: Type.Null(), nodes: Type.Array(This) }),
      ),
      template: Type.TemplateLiteral(['on-', '{a|b}-', '{0|1}'].join('$')),
      templateOfString: Type.TemplateLiteral([Type.Literal('id_'), Type.String()]),
      any: Type.Any(),
      unknown: Type.Unknown(),
      notString: Type.Not(Type.String()),
      not: Type.Intersect([Type.String({ maxLength: 5 }), Type.Not(Type.Literal('no'))]),
      nullable: Type.Union([Type.String(), Type.Null()]),
      index: Type.Index(Type.Object({ a: Type.String({ format: 'uuid' }) }), ['a']),
      module: Type.Module({
        Leaf: Type.Object({ n: Type.Integer() }),
        Tree: Type.Object({ leaf: Type.Ref('Leaf'), more: Type.Optional(Type.Ref('Tree')) }),
      }).Import('Tree'),
      date: Type.String({ format: 'date' }),
      time: Type.String({ format: 'time', minLength: 9 }),
      uri: Type.String({ format: 'uri', maxLength: 100 }),
      reference: Type.String({ format: 'uri-reference' }),
      pointer: Type.String({ format: 'json-pointer' }),
      regex: Type.String({ format: 'regex' }),
      ipv6: Type.String({ format: 'ipv6' }),
    }
    return Object.entries(types).map(([name, type]) => [name, JSON.parse(JSON.stringify(type))])
  },

  valibot: async () => {
    const v = await load('valibot')
    const { toJsonSchema } = await load('@valibot/to-json-schema')
    const text = (...actions) => v.pipe(v.string(), ...actions)
    const types = {
      email: text(v.email()),
      emailMax: text(v.email(), v.maxLength(64)),
      isoDate: text(v.isoDate()),
      isoDateTime: text(v.isoDateTime()),
      isoTime: text(v.isoTime()),
      isoTimestamp: text(v.isoTimestamp()),
      ipv4: text(v.ipv4()),
      ipv6: text(v.ipv6()),
      uuid: text(v.uuid()),
      url: text(v.url()),
      regex: text(v.regex(/^[\w-]+$/u)),
      regexLengths: text(v.regex(/^[a-z]+(?:-[a-z]+)*$/u), v.minLength(3), v.maxLength(40)),
      length: text(v.length(5)),
      nonEmpty: text(v.nonEmpty()),
      base64: text(v.base64()),
      bic: text(v.bic()),
      cuid2: text(v.cuid2()),
      decimal: text(v.decimal()),
      digits: text(v.digits()),
      emoji: text(v.emoji()),
      hexadecimal: text(v.hexadecimal()),
      hexColor: text(v.hexColor()),
      nanoid: text(v.nanoid()),
      octal: text(v.octal()),
      ulid: text(v.ulid()),
      startsWith: text(v.regex(/^ab/u), v.regex(/z$/u)),
      integer: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(9)),
      multiple: v.pipe(v.number(), v.multipleOf(3)),
      literal: v.literal('x'),
      picklist: v.picklist(['a', 'b']),
      enum: v.enum({ A: 'a', B: 1 }),
      object: v.object({ a: v.string(), b: v.optional(v.number()) }),
      loose: v.looseObject({ a: v.string() }),
      strict: v.strictObject({ a: v.string() }),
      rest: v.objectWithRest({ a: v.string() }, v.number()),
      record: v.record(v.string(), v.number()),
      recordOfKeys: v.record(v.picklist(['a', 'b']), v.number()),
      recordOfPattern: v.record(text(v.regex(/^k\d+$/u)), v.boolean()),
      array: v.pipe(v.array(v.boolean()), v.minLength(1), v.maxLength(3)),
      tuple: v.tuple([v.string(), v.number()]),
      strictTuple: v.strictTuple([v.string(), v.number()]),
      tupleWithRest: v.tupleWithRest([v.string()], v.boolean()),
      union: v.union([v.string(), v.number()]),
      variant: v.variant('t', [
        v.object({ t: v.literal('a'), n: v.number() }),
        v.object({ t: v.literal('b'), s: v.string() }),
      ]),
      intersect: v.intersect([v.object({ a: v.null() }), v.object({ b: v.null() })]),
      nullable: v.nullable(v.string()),
      nullish: v.object({ a: v.nullish(v.string(), 'x') }),
      described: v.pipe(v.string(), v.title('T'), v.description('d')),
      entries: v.pipe(v.record(v.string(), v.null()), v.minEntries(1), v.maxEntries(3)),
      lazy: (() => {
        const node = v.object({ n: v.nullable(v.lazy(() => node)) })
        return node
      })(),
    }
    return Object.entries(types).flatMap(([name, type]) => {
      return [[name, toJsonSchema(type, { errorMode: 'ignore' })]]
    })
  },

  arktype: async () => {
    const { type } = await load('arktype')
    const texts = [
      'string',
      'string.email',
      'string.uuid',
      'string.uuid.v4',
      'string.url',
      'string.ip',
      'string.date.iso',
      'string.semver',
      'string.digits',
      'string.alpha',
      'string.alphanumeric',
      'string.hex',
      'string.base64',
      'string.creditCard',
      'string.lower',
      'string.integer',
      'string.numeric',
      '3 <= string <= 9',
      'string >= 1',
      '/^a+b?$/',
      'number',
      'number.integer',
      '0 < number <= 5.5',
      'number % 3',
      'number.epoch',
      'boolean',
      'null',
      "'a' | 'b' | 3",
      'string | number',
      'string[]',
      '(string | null)[] <= 4',
      "{ a: 'x' } | { b: 'y' }",
    ]
    const objects = [
      { name: 'string', 'age?': 'number.integer >= 0' },
      { '+': 'reject', a: 'boolean' },
      { '[string]': 'number' },
      ['string', 'number', '...', 'boolean[]'],
      { kind: "'a'", n: 'number', list: ['string', '[]'] },
    ]
    const fallback = (context) => context.base
    return [...texts, ...objects].flatMap((definition, i) => {
      try {
        return [[`${JSON.stringify(definition)}`, type(definition).toJsonSchema({ fallback })]]
      } catch {
        return i < 0 ? [] : [] // what it has no JSON Schema for, or no such word in this version
      }
    })
  },

  effect: async () => {
    const { JSONSchema, Schema: S } = await load('effect')
    const types = {
      string: S.String,
      nonEmpty: S.NonEmptyString,
      trimmed: S.Trimmed,
      lengths: S.String.pipe(S.minLength(2), S.maxLength(8)),
      pattern: S.String.pipe(S.pattern(/^[a-z]+$/), S.maxLength(9)),
      startsWith: S.String.pipe(S.startsWith('ab'), S.endsWith('yz')),
      includes: S.String.pipe(S.includes('mid')),
      uuid: S.UUID,
      ulid: S.ULID,
      lower: S.Lowercased,
      int: S.Int,
      positive: S.Positive,
      between: S.Number.pipe(S.between(1, 9.5)),
      multiple: S.Number.pipe(S.multipleOf(4)),
      finite: S.Finite,
      boolean: S.Boolean,
      null: S.Null,
      literal: S.Literal('a', 1, true, null),
      union: S.Union(S.String, S.Number),
      nullOr: S.NullOr(S.String),
      array: S.Array(S.Boolean).pipe(S.maxItems(3)),
      nonEmptyArray: S.NonEmptyArray(S.Null),
      tuple: S.Tuple(S.String, S.optionalElement(S.Number)),
      tupleRest: S.Tuple([S.String], S.Number),
      struct: S.Struct({ a: S.String, b: S.optional(S.Int) }),
      record: S.Record({ key: S.String, value: S.Number }),
      recordOfPattern: S.Record({ key: S.String.pipe(S.pattern(/^x/)), value: S.Number }),
      recordOfLiterals: S.Record({ key: S.Literal('a', 'b'), value: S.Number }),
      template: S.TemplateLiteral('a', S.Number, '-', S.String),
      recursive: (() => {
        const node = S.Struct({ n: S.NullOr(S.suspend(() => node)) }).annotations({
          identifier: 'Node',
        })
        return node
      })(),
      enums: S.Enums({ A: 'a', B: 2 }),
      annotated: S.String.annotations({ title: 'T', description: 'd', examples: ['e'] }),
    }
    return Object.entries(types).map(([name, type]) => [name, JSONSchema.make(type)])
  },

  joi: async () => {
    const { default: joi } = await load('joi')
    const { default: module } = await load('joi-to-json')
    const parse = module.default ?? module
    const types = {
      string: joi.string().min(2).max(9),
      email: joi.string().email(),
      guid: joi.string().guid(),
      uri: joi.string().uri(),
      isoDate: joi.string().isoDate(),
      pattern: joi.string().pattern(/^a.c$/),
      alphanum: joi.string().alphanum().min(3),
      token: joi.string().token(),
      ip: joi.string().ip(),
      valid: joi.string().valid('a', 'b'),
      invalid: joi.string().invalid('a', 'b').max(4),
      allow: joi.string().allow('', null),
      number: joi.number().min(1).less(9),
      integer: joi.number().integer().positive(),
      multiple: joi.number().multiple(5),
      boolean: joi.boolean(),
      date: joi.date().iso(),
      array: joi.array().items(joi.string()).min(1).max(3),
      unique: joi
        .array()
        .items(joi.valid('a', 'b', 'c'))
        .unique(),
      ordered: joi.array().ordered(joi.string(), joi.number()),
      object: joi.object({ a: joi.string().required(), b: joi.number() }),
      unknown: joi.object({ a: joi.string() }).unknown(),
      pattern2: joi.object().pattern(/^x/, joi.number()),
      with: joi.object({ a: joi.any(), b: joi.any() }).with('a', 'b'),
      or: joi.object({ a: joi.string(), b: joi.string() }).or('a', 'b'),
      xor: joi.object({ a: joi.string(), b: joi.string() }).xor('a', 'b'),
      nand: joi.object({ a: joi.string(), b: joi.string() }).nand('a', 'b'),
      when: joi.object({
        kind: joi.valid('a', 'b').required(),
        // biome-ignore lint/suspicious/noThenProperty: joi's own word
        n: joi.number().when('kind', { is: 'a', then: joi.required() }),
      }),
      alternatives: joi.alternatives().try(joi.string(), joi.number()),
      nested: joi.object({ o: joi.object({ l: joi.array().items(joi.boolean()) }) }),
    }
    return Object.entries(types).flatMap(([name, type], i) => {
      const kind = ['json', 'json-draft-2019-09', 'open-api'][i % 3]
      return [[`${name} (${kind})`, parse(type, kind)]]
    })
  },

  fluent: async () => {
    const { default: module } = await load('fluent-json-schema')
    const S = module.default ?? module
    const types = {
      string: S.string().minLength(2).maxLength(9),
      email: S.string().format(S.FORMATS.EMAIL),
      uuid: S.string().format(S.FORMATS.UUID),
      dateTime: S.string().format(S.FORMATS.DATE_TIME),
      pattern: S.string()
        .pattern(/^[a-z]+$/)
        .maxLength(6),
      enum: S.string().enum(['a', 'b']),
      const: S.string().const('x'),
      integer: S.integer().minimum(1).exclusiveMaximum(9),
      multiple: S.number().multipleOf(2.5),
      boolean: S.boolean(),
      null: S.null(),
      array: S.array().items(S.string()).maxItems(3),
      unique: S.array()
        .items(S.string().enum(['a', 'b']))
        .uniqueItems(true),
      contains: S.array().items(S.integer()).contains(S.integer().const(3)).maxItems(4),
      tuple: S.array().items([S.string(), S.integer()]).additionalItems(false),
      object: S.object().prop('a', S.string().required()).prop('b', S.number()),
      closed: S.object().additionalProperties(false).prop('a', S.string()),
      patterns: S.object().patternProperties({ '^x-': S.string() }).additionalProperties(false),
      names: S.object().propertyNames(S.string().pattern(/^[a-z]+$/)),
      counted: S.object().prop('a', S.null()).prop('b', S.null()).minProperties(1),
      dependencies: S.object()
        .prop('a')
        .prop('b')
        .dependencies({ a: ['b'] }),
      ifThen: S.object()
        .prop('kind', S.string().enum(['a', 'b']))
        .prop('n', S.integer())
        .ifThenElse(
          S.object().prop('kind', S.string().const('a')),
          S.object().required(['n']),
          S.object().prop('n', S.null()),
        ),
      anyOf: S.anyOf([S.string(), S.null()]),
      oneOf: S.oneOf([S.string(), S.integer()]),
      allOf: S.allOf([S.string().minLength(2), S.string().maxLength(5)]),
      not: S.string().maxLength(3).not(S.string().const('no')),
      definitions: S.object()
        .definition('word', S.string().id('#word').maxLength(5))
        .prop('a', S.ref('#word'))
        .prop('b', S.ref('#/definitions/word')),
      raw: S.raw({ type: 'string', format: 'date', nullable: true }),
    }
    return Object.entries(types).map(([name, type]) => [name, type.valueOf()])
  },

  typescript: async () => {
    const { default: tsj } = await load('ts-json-schema-generator')
    const { createGenerator } = tsj ?? (await load('ts-json-schema-generator'))
    const file = path.join(folder, 'types.ts')
    fs.writeFileSync(file, typescriptTypes)
    const names = [...typescriptTypes.matchAll(/export (?:type|interface|enum) (\w+)(?!<)/g)].map(
      ([, name]) => name,
    )
    return names.map((name) => {
      const settings = { path: file, type: name, skipTypeCheck: true, expose: 'export' }
      return [name, createGenerator(settings).createSchema(name)]
    })
  },

  openapi: async () => {
    const { schemas } = require('@octokit/openapi')
    const document = schemas['api.github.com']
    const bodies = Object.entries(document.paths).flatMap(([at, methods]) => {
      return Object.entries(methods).flatMap(([method, { requestBody }]) => {
        const schema = requestBody?.content?.['application/json']?.schema
        return schema === undefined ? [] : [[`${method} ${at}`, withParts(schema, document)]]
      })
    })
    const every = Math.ceil(bodies.length / 150)
    return bodies.filter((_, i) => i % every === 0)
  },
}

/** Types that zod 3 and 4 both have. */
function zodTypes(z) {
  const leaf = z.object({ id: z.number().int(), tag: z.string().optional() })
  const tree = z.object({ name: z.string(), children: z.array(z.lazy(() => tree)) })
  const shape = z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('circle'), radius: z.number().positive() }),
    z.object({ kind: z.literal('square'), side: z.number().positive() }),
  ])
  return {
    string: z.string(),
    lengths: z.string().min(2).max(10),
    length: z.string().length(4),
    regex: z.string().regex(/^[a-z]{2,}-\d+$/),
    regexes: z.string().regex(/[A-Z]/).regex(/\d/).min(8).max(24),
    startsWith: z.string().startsWith('ab').endsWith('yz').includes('m'),
    regexMax: z.string().regex(/^\S+$/).max(50),
    number: z.number(),
    integer: z.number().int().min(1).max(12),
    positive: z.number().positive(),
    multiple: z.number().int().multipleOf(15),
    decimal: z.number().multipleOf(0.01).min(0).max(99.99),
    boolean: z.boolean(),
    null: z.null(),
    any: z.any(),
    unknown: z.unknown(),
    literal: z.literal('x'),
    enum: z.enum(['a', 'b', 'c']),
    nativeEnum: z.nativeEnum({ A: 'a', B: 2 }),
    array: z.array(z.boolean()).min(1).max(3),
    tuple: z.tuple([z.string(), z.number()]),
    tupleRest: z.tuple([z.string()]).rest(z.boolean()),
    leaf,
    partial: leaf.partial(),
    tree,
    shape,
    record: z.record(z.string(), z.number()),
    recordOfEnum: z.record(z.enum(['a', 'b']), z.boolean()),
    recordOfRegex: z.record(z.string().regex(/^k\d$/), z.boolean()),
    recordOfLengths: z.record(z.string().min(1).max(5), z.null()),
    union: z.union([z.string(), z.number(), z.null()]),
    unionOfObjects: z.union([leaf, z.object({ error: z.string() })]),
    intersection: z.intersection(leaf, z.object({ extra: z.boolean() })),
    nullable: z.string().nullable(),
    nullish: z.object({ a: z.string().nullish(), b: z.number().default(3) }),
    branded: z.string().brand(),
    described: z.string().describe('what it is'),
    refined: z.string().refine((value) => value.length > 2),
    coerced: z.coerce.number(),
    catch: z.string().catch('x'),
    readonly: z.object({ a: z.string() }).readonly(),
    nested: z.object({ list: z.array(z.object({ shape, leaf: leaf.nullable() })).max(2) }),
    wide: z.object(Object.fromEntries(range(30).map((i) => [`p${i}`, z.string().optional()]))),
  }
}

/** Strings that only zod 4 has. */
function zod4Strings(z) {
  return {
    email: z.email(),
    emailMax: z.email().max(80),
    html5Email: z.email({ pattern: z.regexes.html5Email }),
    rfc5322Email: z.email({ pattern: z.regexes.rfc5322Email }),
    unicodeEmail: z.email({ pattern: z.regexes.unicodeEmail }),
    uuid: z.uuid(),
    uuid4: z.uuidv4(),
    uuid7: z.uuidv7(),
    guid: z.guid(),
    url: z.url(),
    urlMax: z.url().max(2048),
    urlShort: z.url().max(200),
    httpUrl: z.httpUrl(),
    jwt: z.jwt(),
    emoji: z.emoji(),
    base64: z.base64(),
    base64url: z.base64url(),
    base64Max: z.base64().max(64),
    nanoid: z.nanoid(),
    cuid: z.cuid(),
    cuid2: z.cuid2(),
    ulid: z.ulid(),
    xid: z.xid(),
    ksuid: z.ksuid(),
    ipv4: z.ipv4(),
    ipv6: z.ipv6(),
    cidrv4: z.cidrv4(),
    cidrv6: z.cidrv6(),
    mac: z.mac(),
    e164: z.e164(),
    hex: z.hex(),
    hostname: z.hostname(),
    sha256: z.hash('sha256'),
  }
}

/** Other types that only zod 4 has. */
function zod4Others(z) {
  const { iso } = z
  return {
    isoDate: iso.date(),
    isoTime: iso.time(),
    isoTimeMinutes: iso.time({ precision: -1 }),
    isoDateTime: iso.datetime(),
    isoOffset: iso.datetime({ offset: true }),
    isoLocal: iso.datetime({ local: true }),
    isoPrecise: iso.datetime({ precision: 3 }),
    isoDuration: iso.duration(),
    int: z.int(),
    int32: z.int32(),
    uint32: z.uint32(),
    float32: z.float32(),
    float64: z.float64(),
    template: z.templateLiteral(['v', z.number(), '.', z.enum(['a', 'b'])]),
    templateInt: z.templateLiteral([z.int().min(0), z.literal('px')]),
    templateNested: z.templateLiteral([z.string().min(2), '@', z.uuid()]),
    file: z.file(),
    stringbool: z.stringbool(),
    literals: z.literal([1, 'a', null, true]),
    loose: z.looseObject({ a: z.string() }),
    strict: z.strictObject({ a: z.string() }),
    catchall: z.object({ a: z.string() }).catchall(z.number()),
    partialRecord: z.partialRecord(z.enum(['a', 'b']), z.number()),
    looseRecord: z.looseRecord(z.string().regex(/^x_/), z.number()),
    xor: z.xor([z.string(), z.number()]),
    json: z.json(),
    uppercase: z.string().uppercase(),
    slug: z.string().slugify?.() ?? z.string(),
    trim: z.string().trim().min(1),
    pipe: z.string().pipe(z.string().min(2)),
    prefault: z.string().prefault('x'),
    readonly: z.array(z.string()).readonly(),
    meta: z.string().meta({ title: 't', examples: ['a'], deprecated: true }),
  }
}

const typescriptTypes = `
export interface Person { name: string; age?: number; tags: string[] }
export type Shape = { kind: 'circle'; radius: number } | { kind: 'square'; side: number }
export interface Tree { value: string; children: Tree[] }
export type Pair = [string, number]
export type Rest = [string, ...boolean[]]
export type Optional = [string, number?]
export enum Colour { Red = 'red', Green = 'green' }
export type Dictionary = Record<string, number>
export type Keys = Record<'a' | 'b', boolean>
export type Maybe = string | null
export type Mixed = string | number | boolean | { a: 1 }
export type Both = { a: string } & { b: number }
export interface Base { id: number }
export interface Derived extends Base { more: Base[] }
export type Template = \`v\${number}\`
export type Unioned = 'a' | 'b' | 3 | true
export interface Noted {
  /** @minimum 1 @maximum 5 */ score: number
  /** @pattern ^[a-z]+$ @maxLength 8 */ word: string
  /** @format date-time */ at: string
  /** @minItems 1 @maxItems 2 */ list: string[]
  /** @deprecated */ old?: string
  when: Date
}
export type Some = Partial<Noted>
export type Picked = Pick<Noted, 'score' | 'word'>
export type Omitted = Omit<Person, 'tags'>
export type Unknown = { a: unknown; b: any; c: object }
export type Index = { [key: string]: string | number }
export type Named = { fixed: string; [key: string]: string }
export type Bits = { flag: true; no: false; nothing: null }
`

/** A schema with those parts of its document that it refers to. */
function withParts(schema, document) {
  const parts = {}
  const todo = [schema]
  for (const one of todo) {
    for (const [, name] of JSON.stringify(one).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (Object.hasOwn(parts, name)) continue
      parts[name] = document.components.schemas[name]
      todo.push(parts[name])
    }
  }
  return { ...schema, ...(Object.keys(parts).length > 0 ? { components: { schemas: parts } } : {}) }
}

const made = await generators[generator]()
process.stdout.write(JSON.stringify(made))
