/** Bytes of the system's memory that a model takes once it is loaded. */
export interface ModelBytes {
  /** What engines share weights by: two models on one file have one copy of them. */
  readonly file: string
  readonly weights: number
  /** KV cache, buffers to compute in, and what the cache of states may grow to. */
  readonly other: number
}

/** A model in memory, as far as making room looks at it. */
export interface Occupant {
  readonly bytes: ModelBytes
  readonly isBusy: boolean
  /** Larger is later. */
  readonly usedAt: number
}

/** How a model comes to the memory that it needs. */
export type Room<T> =
  | { readonly kind: 'fits' }
  /** These are idle, and make room together. */
  | { readonly kind: 'unload'; readonly victims: readonly T[] }
  /** These run. Once they are idle there is room, if idle ones go too. */
  | { readonly kind: 'wait'; readonly victims: readonly T[] }
  /** It needs more than all models may have. */
  | { readonly kind: 'never' }

/** What they take together: weights of one file count once. */
export function bytesOf(models: Iterable<ModelBytes>): number {
  const weights = new Map<string, number>()
  let others = 0
  for (const { file, weights: own, other } of models) {
    weights.set(file, Math.max(own, weights.get(file) ?? 0))
    others += other
  }
  return [...weights.values()].reduce((sum, one) => sum + one, others)
}

/**
 * Decides who goes for a model that is to be loaded: the least recently used first, none that
 * runs, and no more than needed.
 */
export function roomFor<T extends Occupant>(
  need: ModelBytes,
  there: readonly T[],
  budget: number,
): Room<T> {
  const fitsWithout = (gone: ReadonlySet<T>) => {
    const stay = there.filter((one) => !gone.has(one)).map(({ bytes }) => bytes)
    return bytesOf([...stay, need]) <= budget
  }
  if (bytesOf([need]) > budget) return { kind: 'never' }
  if (fitsWithout(new Set())) return { kind: 'fits' }
  const byUse = [...there].sort((a, b) => a.usedAt - b.usedAt)
  const idle = byUse.filter(({ isBusy }) => !isBusy)
  const gone = new Set<T>()
  for (const one of [...idle, ...byUse.filter(({ isBusy }) => isBusy)]) {
    gone.add(one)
    if (fitsWithout(gone)) break
  }
  for (const one of [...gone]) {
    gone.delete(one) // a small one goes for nothing where a larger one has to go as well
    if (!fitsWithout(gone)) gone.add(one)
  }
  const running = [...gone].filter(({ isBusy }) => isBusy)
  if (running.length > 0) return { kind: 'wait', victims: running }
  return { kind: 'unload', victims: [...gone] }
}

/** Decides who goes for what serves one model at a time: those that have it. */
export function roomBeside<T extends Occupant>(holders: readonly T[]): Room<T> {
  if (holders.length === 0) return { kind: 'fits' }
  const running = holders.filter(({ isBusy }) => isBusy)
  if (running.length > 0) return { kind: 'wait', victims: running }
  return { kind: 'unload', victims: holders }
}
