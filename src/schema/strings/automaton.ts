import type { Range } from '../writing/ranges.js'
import { beforeOf, type Term, type Terms } from './terms.js'

/** A state: what may follow a text so far. */
export interface State {
  /** Whether a text may end here. */
  accepts: boolean
  /** By the state that they lead to, numbers of classes of characters. */
  edges: Map<number, number[]>
  /** So many characters of these classes, and nothing else, in place of edges. */
  tail?: { classes: number[]; min: number; max: number }
}

/** A deterministic automaton; it begins in the first of its states. */
export interface Automaton {
  /** Sets of characters, no two with one in common. */
  classes: readonly (readonly Range[])[]
  states: readonly State[]
}

export interface Limits {
  statesMax: number
  count: (work: number) => void
}

/** No text ends within as many states as an automaton may have. */
export class TooManyStates extends Error {}

/**
 * The automaton of a term's texts, as far as their characters can be written. Where it would have
 * too many states, those with the shorter texts are left. Undefined where there is no text.
 * @throws TooManyStates
 */
export function automatonOf(
  terms: Terms,
  root: Term,
  isWritable: (ranges: readonly Range[]) => boolean,
  { statesMax, count }: Limits,
): Automaton | undefined {
  const classes = terms.classes()
  const usable = classes.flatMap((ranges, i) => (isWritable(ranges) ? [i] : []))
  const ids = new Map<string, number>()
  const todo: [root: Term, looks: readonly Term[], isStart: boolean][] = []
  let isCut = false
  const stateOf = (term: Term, looks: readonly Term[], isStart: boolean): number | undefined => {
    const key = `${term.id} ${looks.map(({ id }) => id).join()} ${isStart}`
    const known = ids.get(key)
    isCut ||= known === undefined && ids.size === statesMax
    if (known !== undefined || ids.size === statesMax) return known
    ids.set(key, ids.size)
    todo.push([term, looks, isStart])
    return ids.size - 1
  }
  stateOf(root, terms.looks, true)
  const states: State[] = []
  for (const [term, looks, isStart] of todo) {
    const before = beforeOf(terms, looks, isStart)
    const edges = new Map<number, number[]>()
    count(usable.length / 4)
    for (const klass of usable) {
      const next = terms.after(term, klass, before)
      if (next === terms.none) continue
      const looking = looks.map((look) => terms.after(look, klass, before))
      const target = stateOf(next, looking, false)
      if (target === undefined) continue
      const same = edges.get(target)
      if (same === undefined) edges.set(target, [klass])
      else same.push(klass)
    }
    states.push({ accepts: terms.mayEnd(term, before), edges })
  }
  const made = living({ classes, states })
  if (made === undefined && isCut) throw new TooManyStates()
  return made
}

/** Without states from which no text ends; undefined where all are such. */
function living({ classes, states }: Automaton): Automaton | undefined {
  const sources = states.map((): number[] => [])
  for (const [i, { edges }] of states.entries()) {
    for (const target of edges.keys()) sources[target]?.push(i)
  }
  const ends = ({ accepts, tail }: State) => accepts || tail !== undefined
  const live = new Set(states.flatMap((state, i) => (ends(state) ? [i] : [])))
  for (const state of live) for (const source of sources[state] ?? []) live.add(source)
  if (!live.has(0)) return undefined
  const ids = new Map([...live].sort((a, b) => a - b).map((state, i) => [state, i]))
  const kept = [...ids.keys()].map((id): State => {
    const { edges, ...state } = states[id] as State
    const left = [...edges].flatMap(([target, klasses]): [number, number[]][] => {
      const to = ids.get(target)
      return to === undefined ? [] : [[to, klasses]]
    })
    return { ...state, edges: new Map(left) }
  })
  return { classes, states: kept }
}

/**
 * Of an automaton's texts those with `min` to `max` characters. What goes on with any number of
 * characters out of one set is counted by the grammar; elsewhere each length is a state of its
 * own, and where they are too many, shorter texts only are left. Undefined where none is.
 */
export function ofLength(
  { classes, states }: Automaton,
  [min, max]: readonly [min: number, max: number],
  { statesMax, count }: Limits,
): Automaton | undefined {
  const ids = new Map<number, number>()
  const todo: [state: number, length: number][] = []
  const most = Number.isFinite(max) ? max : min
  const stateOf = (state: number, length: number): number | undefined => {
    const key = Math.min(length, most) * states.length + state
    const known = ids.get(key)
    if (known !== undefined || ids.size >= statesMax) return known
    ids.set(key, ids.size)
    todo.push([state, Math.min(length, most)])
    return ids.size - 1
  }
  stateOf(0, 0)
  const made: State[] = []
  for (const [id, length] of todo) {
    const state = states[id] as State
    count(1 + state.edges.size)
    const loop = loopOf(state, id)
    if (loop !== undefined) {
      const tail = { classes: loop, min: Math.max(0, min - length), max: max - length }
      made.push({ accepts: false, edges: new Map(), tail })
      continue
    }
    const edges = new Map<number, number[]>()
    for (const [target, klasses] of length < max ? state.edges : []) {
      const to = stateOf(target, length + 1)
      if (to !== undefined) edges.set(to, klasses)
    }
    made.push({ accepts: state.accepts && length >= min, edges })
  }
  return living({ classes, states: made })
}

/** The classes of a state that any number of them may follow, and nothing else. */
function loopOf({ accepts, edges }: State, id: number): number[] | undefined {
  return accepts && edges.size === 1 ? edges.get(id) : undefined
}
