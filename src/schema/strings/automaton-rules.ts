import { joined } from '../writing/ranges.js'
import type { Rules } from '../writing/rules.js'
import type { Automaton, State } from './automaton.js'
import type { Writer } from './pattern-rules.js'

/** Longer texts are not written where their length has a limit: a grammar counts. */
export const countMax = 16_384

/** The rule of an automaton's texts, as the content of strings: a rule for each state. */
export function automatonRule(
  rules: Rules,
  writer: Writer,
  { classes, states }: Automaton,
): string {
  const ofClasses = new Map<string, string>()
  const oneOf = (klasses: readonly number[]): string => {
    const key = klasses.join()
    const known = ofClasses.get(key)
    if (known !== undefined) return known
    const ranges = joined(klasses.flatMap((klass) => classes[klass] ?? []))
    const isAll = klasses.length === classes.length
    const rule = isAll ? writer.any() : writer.one(ranges)
    ofClasses.set(key, rule)
    return rule
  }
  const names = states.map(() => rules.reserve())
  const isEnd = ({ accepts, edges, tail }: State) => accepts && edges.size === 0 && !tail
  for (const [i, { accepts, edges, tail }] of states.entries()) {
    const choices = [...edges].map(([target, klasses]) => {
      const to = states[target] as State
      return isEnd(to) ? oneOf(klasses) : `${oneOf(klasses)} ${names[target]}`
    })
    if (accepts) choices.push('""')
    if (tail !== undefined) {
      const most = Number.isFinite(tail.max) ? Math.min(tail.max, countMax) : tail.max
      choices.push(rules.repeat(oneOf(tail.classes), tail.min, most))
    }
    rules.count(4 + choices.length)
    rules.define(names[i] as string, choices.join(' | '))
  }
  return names[0] as string
}
