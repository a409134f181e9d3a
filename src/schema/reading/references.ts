import { isObject, refuse, type SchemaObject } from './keywords.js'

/** Where the rules of targets are written. */
interface RuleBook {
  reserve(): string
  define(name: string, expression: string): void
}

export interface Target {
  readonly schema: unknown
  readonly path: string
}

/** A schema with an `$id`: what is below it is meant by references to there. */
interface Resource extends Target {
  readonly uri: string
  /** Schemas below it by their $anchor or $dynamicAnchor. */
  readonly anchors: Map<string, Target>
}

/** For schemas without an `$id`. */
const nowhere = 'schema:/'

/** Keywords that say where a schema is, in one way or another. */
const keywords = ['$ref', '$dynamicRef', '$recursiveRef'] as const

/**
 * The $refs of one schema: to the whole of it, by a JSON Pointer into it, by an $anchor, or by the
 * $id of a part of it.
 */
export class References {
  readonly #root: Target
  readonly #count: (work: number) => void
  readonly #rules = new Map<string, string>()
  readonly #empty = new Set<string>()
  readonly #targets = new Map<string, Target>()
  readonly #ends = new Map<string, Target>()
  #resources: Resource[] | undefined

  constructor(root: unknown, at: string, count: (work: number) => void = () => undefined) {
    this.#root = { schema: root, path: at }
    this.#count = count
  }

  /** What a schema refers to, and which keyword says so. */
  static of(schema: SchemaObject): [keyword: string, ref: unknown] | undefined {
    const keyword = keywords.find((name) => schema[name] !== undefined)
    return keyword && [keyword, schema[keyword]]
  }

  /** The target of a schema that is a $ref and nothing else. */
  targetOf(schema: SchemaObject, path: string): Target | undefined {
    const given = References.of(schema)
    if (given === undefined || Object.keys(schema).length > 1) return undefined
    const [keyword, ref] = given
    const keys = [this.#keyOf(ref, path)]
    let target = this.#ends.get(keys[0] as string) ?? this.resolve(ref, `${path}.${keyword}`)
    for (const met = new Set<string>(); isObject(target.schema); ) {
      const next = References.of(target.schema)
      if (next === undefined || Object.keys(target.schema).length > 1) break
      if (met.has(target.path)) refuse(`${path}.${keyword}`, 'a $ref that leads somewhere', ref)
      met.add(target.path)
      const key = this.#keyOf(next[1], target.path)
      keys.push(key)
      target = this.#ends.get(key) ?? this.resolve(next[1], `${target.path}.${next[0]}`)
    }
    // Of each on the way, or chains would take a square.
    for (const key of keys) this.#ends.set(key, target)
    return target
  }

  /** @throws InvalidSchemaError for a $ref to another document, or to nothing */
  resolve(ref: unknown, path: string): Target {
    if (typeof ref !== 'string') {
      refuse(path, 'a $ref into the same schema, such as #/$defs/name', ref)
    }
    const key = this.#keyOf(ref, path)
    const known = this.#targets.get(key)
    if (known !== undefined) return known
    const target = this.#find(ref, path)
    this.#targets.set(key, target)
    return target
  }

  #find(ref: string, path: string): Target {
    if (/^#(\/|$)/.test(ref) && !this.#hasResources()) return follow(this.#root, ref, path)
    const base = this.#baseOf(path)
    const [uri, fragment] = split(ref, base.uri)
    const resource = this.#all().find((one) => one.uri === uri)
    if (resource === undefined) {
      refuse(path, 'a $ref into the same schema, such as #/$defs/name', ref)
    }
    if (fragment === '' || fragment.startsWith('/')) return follow(resource, `#${fragment}`, path)
    const target = resource.anchors.get(decoded(fragment))
    return target ?? refuse(path, 'a $ref to something that is there', ref)
  }

  /** The same for what leads to the same; where it counts from is of use with an $id only. */
  #keyOf(ref: unknown, path: string): string {
    const base = typeof ref === 'string' && this.#hasResources() ? this.#baseOf(path).path : ''
    return `${base} ${ref}`
  }

  #hasResources(): boolean {
    return this.#all().length > 1
  }

  #baseOf(path: string): Resource {
    const all = this.#all()
    this.#count(all.length / 16)
    const around = all.filter(
      (one) => path.startsWith(one.path) && /^[.[]?$/.test(path.charAt(one.path.length)),
    )
    return around.at(-1) as Resource
  }

  /** The schema itself, then those in it that have an $id, from the outside in. */
  #all(): Resource[] {
    if (this.#resources !== undefined) return this.#resources
    const { schema, path } = this.#root
    const found: Resource[] = []
    const visit = (value: unknown, at: string, above: Resource | undefined, depth: number) => {
      if (typeof value !== 'object' || value === null || depth > depthMax) return
      this.#count(1)
      let resource = above
      if (isObject(value)) {
        const id = value.$id ?? value.id
        const isId = typeof id === 'string' && !id.startsWith('#') && at !== path
        const isNew = isId && found.length < resourcesMax
        if (above === undefined || isNew) {
          const uri = typeof id === 'string' ? split(id, above?.uri ?? nowhere)[0] : nowhere
          resource = { uri, path: at, schema: value, anchors: new Map() }
          found.push(resource)
        }
        for (const name of [value.$anchor, value.$dynamicAnchor, plainName(id)]) {
          if (typeof name !== 'string' || resource?.anchors.has(name)) continue
          resource?.anchors.set(name, { schema: value, path: at })
        }
      }
      for (const [key, one] of Object.entries(value)) {
        if (key === 'const' || key === 'enum' || key === 'examples' || key === 'default') continue
        visit(one, Array.isArray(value) ? `${at}[${key}]` : `${at}.${key}`, resource, depth + 1)
      }
    }
    visit(schema, path, undefined, 0)
    if (found.length === 0) found.push({ ...this.#root, uri: nowhere, anchors: new Map() })
    this.#resources = found
    return found
  }

  /** The target's rule, which may refer to itself. Undefined where it allows nothing. */
  rule(target: Target, rules: RuleBook, visit: () => string | undefined): string | undefined {
    const known = this.#rules.get(target.path)
    if (known !== undefined) return this.#empty.has(known) ? undefined : known
    const name = rules.reserve()
    this.#rules.set(target.path, name)
    const rule = visit()
    if (rule === undefined) this.#empty.add(name)
    // A rule that refers to it meanwhile can never end then, which the engine finds.
    rules.define(name, rule ?? name)
    return rule === undefined ? undefined : name
  }
}

const depthMax = 256
/** Each reference looks through all of them; further ones are no places of their own. */
const resourcesMax = 256

/** An id of draft 4 to 7 that is a name within its document. */
function plainName(id: unknown): string | undefined {
  return typeof id === 'string' && /^#[^/]/.test(id) ? id.slice(1) : undefined
}

/** The document that a reference means, and what stands behind its "#". */
function split(ref: string, base: string): [uri: string, fragment: string] {
  const [before = '', ...behind] = ref.split('#')
  const fragment = behind.join('#')
  if (before === '') return [base, fragment]
  try {
    return [new URL(before, base).href, fragment]
  } catch {
    return [before, fragment] // a name that is no URI: it is compared as it stands
  }
}

/** By a JSON Pointer behind "#". */
function follow(from: Target, ref: string, path: string): Target {
  let target = from
  for (const token of ref.split('/').slice(1)) {
    const key = decoded(token).replaceAll('~1', '/').replaceAll('~0', '~')
    const { schema } = target
    const isThere = typeof schema === 'object' && schema !== null && Object.hasOwn(schema, key)
    if (!isThere) refuse(path, 'a $ref to something that is there', ref)
    const at = Array.isArray(schema) ? `${target.path}[${key}]` : `${target.path}.${key}`
    target = { schema: (schema as Record<string, unknown>)[key], path: at }
  }
  return target
}

function decoded(token: string): string {
  try {
    return decodeURIComponent(token)
  } catch {
    return token
  }
}
