/** What a tool is called in a request, by the name that the model knows it by. */
export interface ToolIdentity {
  readonly kind: 'function' | 'custom'
  readonly name: string
  readonly namespace?: string
}

/** A model knows no namespaces: their tools are told by both names. */
export function modelToolName(name: string, namespace: string | undefined): string {
  return namespace === undefined || namespace === '' ? name : `${namespace}__${name}`
}

/** The tools of a request, by what the model calls them. */
export class ToolNames {
  readonly #identities = new Map<string, ToolIdentity>()

  /** @returns its name for the model */
  add(identity: ToolIdentity): string {
    const name = modelToolName(identity.name, identity.namespace)
    // Of two with one name the first is offered.
    if (!this.#identities.has(name)) this.#identities.set(name, identity)
    return name
  }

  identityOf(modelName: string): ToolIdentity {
    return this.#identities.get(modelName) ?? { kind: 'function', name: modelName }
  }

  /** The model's name of a tool that a request names, with its namespace in front or without. */
  modelNameOf(name: string): string {
    if (this.#identities.has(name)) return name
    for (const [modelName, identity] of this.#identities) {
      if (identity.name === name) return modelName
    }
    return name
  }
}
