/**
 * What of a token's choice can be set. A new option is its docstring and its row here, and its
 * lines in native/: see CONTRIBUTING.md.
 */

/** A request's value, else the engine's default, else the GGUF's, else what is said here. */
export interface SamplingOptions {
  /** 0 is greedy, above 2 is of use beside `minP`. 0 to 100, default 1. */
  temperature?: number
  /** Nucleus sampling; 1 is off. 0 to 1, default 1. */
  topP?: number
  /** Keep the k likeliest tokens; 0 and -1 are off. Default 0. */
  topK?: number
  /** Keep tokens at least this likely, relative to the likeliest; 0 is off. 0 to 1, default 0. */
  minP?: number
  /** llama.cpp's repetition penalty; 1 is off. Above 0, at most 10, default 1. */
  repeatPenalty?: number
  /** Tokens that the penalties look back on; -1 is the context. Default 64. */
  repeatLastN?: number
  /** -2 to 2, default 0. */
  frequencyPenalty?: number
  /** -2 to 2, default 0. */
  presencePenalty?: number
  /** Locally typical sampling; 1 is off. 0 to 1, default 1. */
  typicalP?: number
  /** Keep tokens within so many standard deviations of the likeliest. -1 to 100, default -1. */
  topNSigma?: number
  /** XTC: how often all likely tokens but the least of them are dropped. 0 to 1, default 0. */
  xtcProbability?: number
  /** What XTC calls likely; above 0.5 it is off. 0 to 1, default 0.1. */
  xtcThreshold?: number
  /** DRY, against repeated sequences; 0 is off. 0 to 100, default 0. */
  dryMultiplier?: number
  /** How DRY grows with each token of a repeated sequence. 1 to 100, default 1.75. */
  dryBase?: number
  /** Repeated sequences of up to so many tokens are free of DRY. Default 2. */
  dryAllowedLength?: number
  /** Tokens that DRY looks back on, the prompt's too; -1 is the context. Default 64. */
  dryPenaltyLastN?: number
  /** Mirostat 1 or 2, in place of all other samplers but temperature. 0 to 2, default 0. */
  mirostat?: number
  /** The surprise, in bits, that mirostat aims at. 0 to 100, default 5. */
  mirostatTau?: number
  /** How fast mirostat learns. 0 to 1, default 0.1. */
  mirostatEta?: number
  /** Dynamic temperature: up to so much more or less by the entropy. 0 to 100, default 0. */
  dynatempRange?: number
  /** How the entropy makes the dynamic temperature. 0 to 100, default 1. */
  dynatempExponent?: number
  /** Any safe integer; folded to 32 bits. Default: random, and reported in `done`. */
  seed?: number
}

/** Numbers of a range, both ends included, or all `above` one. */
export type NumberRange = { readonly to: number; readonly isWhole?: true } & (
  | { readonly from: number }
  | { readonly above: number }
)

/** From a row come the checks, the default, the flag, the HTTP field and the native field. */
export interface SamplingRow {
  readonly range: NumberRange
  /** The value by default: OpenAI's for options that OpenAI has, else the one that turns it off. */
  readonly neutral: number
  /** Of the command line; left out where it has none. */
  readonly flag?: { readonly argument: string; readonly help: string }
}

/** The options whose numbers reach the native sampler as they are. */
export type SamplingNumbers = Required<Omit<SamplingOptions, 'seed'>>
export type SamplingName = keyof SamplingNumbers

const int32Max = 2 ** 31 - 1

export const samplingRows = {
  temperature: {
    range: { from: 0, to: 100 }, // OpenAI's limit is 2; other servers have none
    neutral: 1,
    flag: { argument: 'T', help: '0 is greedy, 2 is wild' },
  },
  topP: {
    range: { from: 0, to: 1 },
    neutral: 1,
    flag: { argument: 'P', help: 'keep the likeliest tokens that sum up to P' },
  },
  topK: {
    range: { from: -1, to: int32Max, isWhole: true },
    neutral: 0,
    flag: { argument: 'K', help: 'keep the K likeliest tokens, 0 for all' },
  },
  minP: {
    range: { from: 0, to: 1 },
    neutral: 0,
    flag: { argument: 'P', help: 'keep tokens P times as likely as the likeliest' },
  },
  repeatPenalty: {
    range: { above: 0, to: 10 },
    neutral: 1,
    flag: { argument: 'X', help: 'above 1 discourages repetition' },
  },
  repeatLastN: { range: { from: -1, to: int32Max, isWhole: true }, neutral: 64 },
  frequencyPenalty: { range: { from: -2, to: 2 }, neutral: 0 },
  presencePenalty: { range: { from: -2, to: 2 }, neutral: 0 },
  typicalP: { range: { from: 0, to: 1 }, neutral: 1 },
  topNSigma: { range: { from: -1, to: 100 }, neutral: -1 },
  xtcProbability: { range: { from: 0, to: 1 }, neutral: 0 },
  xtcThreshold: { range: { from: 0, to: 1 }, neutral: 0.1 },
  dryMultiplier: { range: { from: 0, to: 100 }, neutral: 0 },
  dryBase: { range: { from: 1, to: 100 }, neutral: 1.75 },
  dryAllowedLength: { range: { from: 0, to: int32Max, isWhole: true }, neutral: 2 },
  dryPenaltyLastN: { range: { from: -1, to: int32Max, isWhole: true }, neutral: 64 },
  mirostat: { range: { from: 0, to: 2, isWhole: true }, neutral: 0 },
  mirostatTau: { range: { from: 0, to: 100 }, neutral: 5 },
  mirostatEta: { range: { from: 0, to: 1 }, neutral: 0.1 },
  dynatempRange: { range: { from: 0, to: 100 }, neutral: 0 },
  dynatempExponent: { range: { from: 0, to: 100 }, neutral: 1 },
} as const satisfies Record<SamplingName, SamplingRow>

export const samplingNames = Object.keys(samplingRows) as SamplingName[]

/** An object with what `make` makes for each of their names. */
export function perSamplingName<T>(make: (name: SamplingName) => T): Record<SamplingName, T> {
  const entries = samplingNames.map((name) => [name, make(name)])
  return Object.fromEntries(entries) as Record<SamplingName, T>
}

/** Samplers of other servers that are not here, by their names there, and what turns each off. */
export const samplersNotHere: Readonly<Record<string, readonly number[]>> = {
  tfs_z: [1],
  top_a: [0],
  adaptive_target: [-1],
  min_keep: [0],
  epsilon_cutoff: [0],
  eta_cutoff: [0],
  smoothing_factor: [0],
}

/** What `samplers` puts in order, by llama.cpp's names, in the usual order. */
export const samplerSteps = [
  'penalties',
  'dry',
  'top_n_sigma',
  'top_k',
  'typ_p',
  'top_p',
  'min_p',
  'xtc',
  'temperature',
] as const

export type SamplerStep = (typeof samplerSteps)[number]

/** What ends a sequence for DRY, where a request does not say. */
export const drySequenceBreakers: readonly string[] = ['\n', ':', '"', '*']
