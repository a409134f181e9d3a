import { InvalidSchemaError } from '../../api/errors.js'
import { show } from '../../api/show.js'
import type { RequestNote } from '../../api/types.js'
import { constraintsOf, isObject, ownOf, refuse, type SchemaObject, typeNames } from './keywords.js'
import { References } from './references.js'
import { type KeywordKind, keywordKinds, keywordRules, schemasMax } from './well-formed.js'

/** Deeper schemas are any value; templates and compilers recurse into them. */
const depthMax = 30
/** Of one schema; a header and a log tell fewer. */
const notesMax = 64
/** Characters of a path in a note. */
const pathMax = 256

/**
 * A schema as far as it can be read: what is malformed in it is mended where it is plain what was
 * meant, and else left out, which allows any value there. The same object where nothing is wrong.
 * @param tell hears of each place
 */
export function readableSchema(
  schema: unknown,
  at: string,
  tell: (note: RequestNote) => void,
): SchemaObject {
  const readable = new SchemaReader(schema, at, tell).read(schema, at, 0)
  return isObject(readable) ? readable : {}
}

/** Names that others have for types, in lower case. */
const otherTypes: Readonly<Record<string, (typeof typeNames)[number]>> = {
  str: 'string',
  text: 'string',
  char: 'string',
  int: 'integer',
  int32: 'integer',
  int64: 'integer',
  long: 'integer',
  float: 'number',
  double: 'number',
  decimal: 'number',
  bool: 'boolean',
  list: 'array',
  tuple: 'array',
  dict: 'object',
  map: 'object',
  struct: 'object',
  none: 'null',
}

/** A keyword's value as it is read; `out` leaves the keyword out. */
const out = Symbol('left out')

const schemasByKey = new Set(['$defs', 'definitions'])

class SchemaReader {
  readonly #references: References
  readonly #tell: (note: RequestNote) => void
  #notes = 0
  #schemas = 0

  constructor(root: unknown, at: string, tell: (note: RequestNote) => void) {
    this.#references = new References(root, at)
    this.#tell = tell
  }

  read(schema: unknown, path: string, depth: number): unknown {
    if (typeof schema === 'boolean') return schema
    if (++this.#schemas > schemasMax) refuse(path, `at most ${schemasMax} schemas`, 'more')
    if (!isObject(schema)) return this.#readOther(schema, path)
    if (depth > depthMax) {
      this.#say(path, `schemas at most ${depthMax} deep`, 'more', 'any value')
      return true
    }
    const entries = Object.entries(schema)
    const read = entries.map(([keyword, value]) => {
      return [keyword, this.#keyword(schema, keyword, `${path}.${keyword}`, depth), value] as const
    })
    if (read.every(([, now, before]) => now === before)) return schema
    const kept = read.flatMap(([keyword, now]) => (now === out ? [] : [[keyword, now]]))
    return this.#mended(schema, Object.fromEntries(kept))
  }

  /** A type's name alone is what some write for its schema. */
  #readOther(value: unknown, path: string): unknown {
    const type = typeof value === 'string' ? typeOf(value) : undefined
    const taken = type === undefined ? 'any value' : `{"type": "${type}"}`
    this.#say(path, 'a schema: an object, true or false', show(value), taken)
    return type === undefined ? true : { type }
  }

  #keyword(schema: SchemaObject, keyword: string, path: string, depth: number): unknown {
    const value = schema[keyword]
    if (schemasByKey.has(keyword)) return this.#schemasByKey(value, path, depth)
    const kind = ownOf(keywordKinds, keyword)
    if (kind === undefined) return value
    if (kind === '$ref') return this.#reference(schema, path)
    if (kind === 'schema') return this.#schema(value, path, depth)
    if (kind === 'items') return this.#items(value, path, depth)
    const [expected, isIt] = keywordRules[kind]
    const given = isIt(value) ? value : this.#mend(kind, keyword, value, path, expected)
    if (given === out) return out
    if (kind === 'schemas by key') return this.#schemasByKey(given, path, depth)
    return kind === 'schemas' ? this.#list(given as unknown[], path, depth) : given
  }

  /** Of a value that the keyword cannot have. */
  #mend(kind: KeywordKind, keyword: string, value: unknown, path: string, expected: string) {
    const mended = mendedValue(kind, keyword, value)
    const taken = mended === out ? 'left out' : JSON.stringify(mended)
    this.#say(path, expected, show(value), taken)
    return mended
  }

  #schema(value: unknown, path: string, depth: number): unknown {
    if (value !== null) return this.read(value, path, depth + 1)
    this.#say(path, 'a schema: an object, true or false', 'null', 'left out')
    return out
  }

  #items(value: unknown, path: string, depth: number): unknown {
    if (!Array.isArray(value)) return this.#schema(value, path, depth)
    if (value.length > 0) return this.#list(value, path, depth)
    this.#say(path, 'a schema: an object, true or false', show(value), 'left out')
    return out
  }

  #list(values: readonly unknown[], path: string, depth: number): unknown {
    const read = values.map((one, i) => this.read(one, `${path}[${i}]`, depth + 1))
    return read.every((one, i) => one === values[i]) ? values : read
  }

  #schemasByKey(value: unknown, path: string, depth: number): unknown {
    if (!isObject(value)) return value
    const read = Object.entries(value).map(([key, one]) => {
      return [key, this.read(one, `${path}.${key}`, depth + 1)] as const
    })
    const isSame = read.every(([key, one]) => one === value[key])
    return isSame ? value : Object.fromEntries(read)
  }

  #reference(schema: SchemaObject, path: string): unknown {
    const { $ref } = schema
    try {
      this.#references.resolve($ref, path)
      this.#references.targetOf(constraintsOf(schema), path.slice(0, -'.$ref'.length))
      return $ref
    } catch (error) {
      if (!(error instanceof InvalidSchemaError)) throw error
      this.#say(path, 'a $ref that leads somewhere in this schema', show($ref), 'any value')
      return out
    }
  }

  /** What only makes sense of several keywords, or of a property's. */
  #mended(given: SchemaObject, read: Record<string, unknown>): SchemaObject {
    if (isObject(given.properties)) {
      const required = Object.entries(given.properties).flatMap(([key, one]) => {
        return isObject(one) && one.required === true ? [key] : []
      })
      if (required.length > 0) {
        const others = Array.isArray(read.required) ? read.required : []
        read.required = [...new Set([...others, ...required])]
      }
    }
    return read
  }

  #say(path: string, expected: string, came: string, taken: string): void {
    if (++this.#notes > notesMax) return
    this.#tell({
      path: shortened(path),
      message: `expected ${expected}, but got ${came}; taken as: ${taken}`,
    })
  }
}

/** A note lives as long as its request: of names that are very long it has the beginning. */
function shortened(path: string): string {
  return path.length <= pathMax ? path : `${path.slice(0, pathMax)}...`
}

function mendedValue(kind: KeywordKind, keyword: string, value: unknown): unknown {
  switch (kind) {
    case 'type':
      return mendedType(value)
    case 'number':
    case 'count': {
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN
      return Number.isFinite(number) && keywordRules[kind][1](number) ? number : out
    }
    case 'strings':
      return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : out
    case 'boolean':
      return value === 'true' || value === 'false' ? value === 'true' : out
    case 'schemas':
      return isObject(value) && keyword !== 'prefixItems' ? [value] : out
    case 'schemas by key':
      // What PHP writes for an empty object.
      return Array.isArray(value) && value.length === 0 ? {} : out
    default:
      return out
  }
}

function mendedType(value: unknown): unknown {
  const names: unknown[] = Array.isArray(value) ? value : [value]
  const types = names.map((name) => (typeof name === 'string' ? typeOf(name) : undefined))
  if (types.length === 0 || types.includes(undefined)) return out
  return Array.isArray(value) ? [...new Set(types)] : types[0]
}

function typeOf(name: string): (typeof typeNames)[number] | undefined {
  const plain = name.trim().toLowerCase()
  return typeNames.find((one) => one === plain) ?? ownOf(otherTypes, plain)
}
