/**
 * What the tab keeps: it outlives a reload and goes with the tab. Not localStorage, which every
 * other program that is ever served at the same address could read, such as the next one on
 * localhost:8080.
 */

/** False where the browser keeps nothing, or no more. */
export function keep(name: string, value: string): boolean {
  try {
    sessionStorage.setItem(name, value)
    return true
  } catch {
    return false
  }
}

export function kept(name: string): string | undefined {
  try {
    return sessionStorage.getItem(name) ?? undefined
  } catch {
    return undefined
  }
}

/** Undefined for nothing, and for what is no JSON. */
export function keptJson(name: string): unknown {
  try {
    return JSON.parse(kept(name) ?? 'null') ?? undefined
  } catch {
    return undefined
  }
}
