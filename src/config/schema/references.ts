import { isObject, refuse, type SchemaObject } from './keywords.js'
import type { Rules } from './rules.js'

export interface Target {
  readonly schema: unknown
  readonly path: string
}

/** The $refs of one schema: to the whole of it, or by a JSON Pointer into it. */
export class References {
  readonly #root: unknown
  readonly #at: string
  readonly #rules = new Map<string, string>()
  readonly #empty = new Set<string>()
  readonly #targets = new Map<string, Target>()
  readonly #ends = new Map<string, Target>()

  constructor(root: unknown, at: string) {
    this.#root = root
    this.#at = at
  }

  /** The target of a schema that is a $ref and nothing else. */
  targetOf(schema: SchemaObject, path: string): Target | undefined {
    const { $ref, ...others } = schema
    if ($ref === undefined || Object.keys(others).length > 0) return undefined
    const known = this.#ends.get($ref as string)
    if (known !== undefined) return known
    let target = this.resolve($ref, `${path}.$ref`)
    for (const met = new Set<string>(); isObject(target.schema); ) {
      const { $ref: next, ...more } = target.schema
      if (next === undefined || Object.keys(more).length > 0) break
      if (met.has(target.path)) refuse(`${path}.$ref`, 'a $ref that leads somewhere', $ref)
      met.add(target.path)
      target = this.resolve(next, `${target.path}.$ref`)
    }
    this.#ends.set($ref as string, target)
    return target
  }

  /** @throws InvalidSchemaError for a $ref to another document, or to nothing */
  resolve(ref: unknown, path: string): Target {
    const known = this.#targets.get(ref as string)
    if (known !== undefined) return known
    if (typeof ref !== 'string' || !/^#(\/|$)/.test(ref)) {
      refuse(path, 'a $ref into the same schema, such as #/$defs/name', ref)
    }
    let target: Target = { schema: this.#root, path: this.#at }
    for (const token of ref.split('/').slice(1)) {
      const key = decoded(token).replaceAll('~1', '/').replaceAll('~0', '~')
      const { schema } = target
      const isThere = typeof schema === 'object' && schema !== null && Object.hasOwn(schema, key)
      if (!isThere) refuse(path, 'a $ref to something that is there', ref)
      const at = Array.isArray(schema) ? `${target.path}[${key}]` : `${target.path}.${key}`
      target = { schema: (schema as Record<string, unknown>)[key], path: at }
    }
    this.#targets.set(ref, target)
    return target
  }

  /** The target's rule, which may refer to itself. Undefined where it allows nothing. */
  rule(target: Target, rules: Rules, visit: () => string | undefined): string | undefined {
    const known = this.#rules.get(target.path)
    if (known !== undefined) return this.#empty.has(known) ? undefined : known
    const name = rules.reserve()
    this.#rules.set(target.path, name)
    const rule = visit()
    if (rule === undefined) this.#empty.add(name)
    // Whoever was told of it meanwhile can never be finished, which the engine finds.
    rules.define(name, rule ?? name)
    return rule === undefined ? undefined : name
  }
}

function decoded(token: string): string {
  try {
    return decodeURIComponent(token)
  } catch {
    return token
  }
}
