import { type Check, check, wrong } from './checks.js'

/**
 * One setting of the command line: `--gpu-layers N`, SLUICE_GPU_LAYERS in the environment. Both
 * names come from its key in the table, `gpuLayers`.
 */
export interface Flag<T, Fallback extends T | undefined = T | undefined> {
  readonly check: Check<T>
  /** Makes of one argument what `check` looks at. */
  readonly read: (raw: string) => unknown
  /** The argument's name in the help; null is a switch. */
  readonly argument: string | null
  /** May be given several times; in the environment with commas between. */
  readonly many: boolean
  /** What stands between two of them in the environment. Default: a comma. */
  readonly separator?: RegExp
  readonly help: string
  readonly fallback: Fallback
  /** What holds without the flag, in words; undefined where that is plain. */
  readonly fallbackHelp: string | undefined
}

// biome-ignore lint/suspicious/noExplicitAny: the table's value types differ; Settled has each
export type Flags = Readonly<Record<string, Flag<any>>>

type Always<F extends Flags> = {
  [K in keyof F as undefined extends F[K]['fallback'] ? never : K]: ValueOf<F[K]>
}
type Sometimes<F extends Flags> = {
  [K in keyof F as undefined extends F[K]['fallback'] ? K : never]?: ValueOf<F[K]>
}
type ValueOf<F> = F extends Flag<infer T> ? T : never
/** What a table's flags come to: a key without a value is left out. */
export type Settled<F extends Flags> = Always<F> & Sometimes<F>

/** What holds where nothing is given: a value, or words for what is found out later. */
interface Otherwise<D> {
  fallback?: D
  fallbackHelp?: string | undefined
}

export function valueFlag<T, const D extends T | undefined = undefined>(
  argument: string,
  rule: Check<T>,
  help: string,
  { fallback, fallbackHelp }: Otherwise<D> = {},
): Flag<T, D> {
  const read = rule.isNumeric === true ? asNumber : asIs
  const words = fallbackHelp ?? (fallback === undefined ? undefined : String(fallback))
  const rest = { fallback: fallback as D, fallbackHelp: words }
  return { check: rule, read, argument, many: false, help, ...rest }
}

const aName = check<string>('names of 1 to 256 characters', (value) => {
  return value !== '' && (value as string).length <= 256
})

/** @param rule of each of them */
export function listFlag(
  argument: string,
  help: string,
  { expected, accepts }: Check<string> = aName,
  { separator, fallbackHelp }: { separator?: RegExp; fallbackHelp?: string } = {},
): Flag<string[], string[]> {
  const rule = check<string[]>(expected, (value) => (value as string[]).every(accepts))
  const rest = { fallback: [], fallbackHelp, ...(separator === undefined ? {} : { separator }) }
  return { check: rule, read: asIs, argument, many: true, help: `${help} (repeatable)`, ...rest }
}

export function switchFlag(help: string): Flag<boolean, boolean> {
  const rule = check<boolean>('1, true, 0 or false', (value) => typeof value === 'boolean')
  const rest = { fallback: false, fallbackHelp: undefined }
  return { check: rule, read: asSwitch, argument: null, many: false, help, ...rest }
}

/** `gpuLayers` is `--gpu-layers`. */
export function flagName(key: string): string {
  return `--${dashed(key)}`
}

/** `gpuLayers` is `SLUICE_GPU_LAYERS`. */
export function environmentName(key: string): string {
  return `SLUICE_${dashed(key).replaceAll('-', '_').toUpperCase()}`
}

function dashed(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/**
 * What holds: the command line, else the environment (where the empty string is as good as
 * nothing), else the fallback.
 * @param given raw arguments by key: a string, strings, or true for a switch
 * @throws InvalidOptionError, whose option is the flag's or the variable's name
 */
export function settleFlags<F extends Flags>(
  flags: F,
  given: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>>,
): Settled<F> {
  const settled: Record<string, unknown> = {}
  for (const [key, one] of Object.entries(flags)) {
    const variable = environment[environmentName(key)]
    let value: unknown = one.fallback
    if (given[key] !== undefined) value = parsed(one, flagName(key), given[key])
    else if (variable) value = parsed(one, environmentName(key), split(one, variable))
    if (value !== undefined) settled[key] = value
  }
  return settled as Settled<F>
}

function parsed(one: Flag<unknown>, name: string, raw: unknown): unknown {
  const value = Array.isArray(raw) ? raw.map(one.read) : raw === true || one.read(raw as string)
  if (one.check.accepts(value)) return value
  throw wrong(name, one.check.expected, raw)
}

function split(one: Flag<unknown>, variable: string): string | string[] {
  return one.many ? variable.split(one.separator ?? ',').map((part) => part.trim()) : variable
}

function asNumber(raw: string): number {
  return raw.trim() === '' ? Number.NaN : Number(raw)
}

function asIs(raw: string): string {
  return raw
}

function asSwitch(raw: string): unknown {
  if (raw === '1' || raw === 'true') return true
  return raw === '0' || raw === 'false' ? false : raw
}
