/**
 * What Sluice needs to know of the objects that zod, Valibot, ArkType and others make of a schema,
 * as https://standardschema.dev has it.
 */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (
      value: unknown,
    ) => StandardResult<Output> | PromiseLike<StandardResult<Output>>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

/** A value, or what is wrong with it. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

/** What a schema finds wrong with a value. */
export interface SchemaIssue {
  readonly message: string
  /** Where in the value; each step is a key, or an object that has it as `key`. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** The type of the values of a schema, where it tells one; else unknown. */
export type SchemaOutput<Schema> = Schema extends {
  readonly '~standard': { readonly types?: { readonly output: infer Output } | undefined }
}
  ? Output
  : Schema extends { readonly standard: StandardSchema<infer Output> | undefined }
    ? Output
    : unknown
