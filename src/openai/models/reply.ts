/** One entry of GET /v1/models. */
export interface ModelEntry {
  readonly id: string
  readonly object: 'model'
  /** Unix seconds. */
  readonly created: number
  readonly owned_by: 'sluice'
}

export function modelEntry(id: string, created: number): ModelEntry {
  return { id, object: 'model', created, owned_by: 'sluice' }
}

export function modelList(ids: readonly string[], created: number) {
  return { object: 'list' as const, data: ids.map((id) => modelEntry(id, created)) }
}
