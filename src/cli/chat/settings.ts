import { InvalidOptionError } from '../../api/errors.js'
import { perSamplingName, type SamplingName } from '../../api/sampling-options.js'
import type { ChatOptions, EngineSettings } from '../../api/types.js'
import { chatFlags } from '../../options/command-flags.js'
import { samplingChecks } from '../../options/engine-options.js'
import { type Flags, flagName, type Settled, settleFlags, valueFlag } from '../../options/flags.js'
import { nearest } from '../../options/nearest.js'
import { withAllAdapters } from '../flags/lora-flag.js'

const { seed, maxTokens, thinking, reasoningBudget } = chatFlags

/** What /set takes: the flags of replies, and the sampling options that have no flag. */
const settable = {
  ...perSamplingName((name) => valueFlag('N', samplingChecks[name], '')),
  ...{ seed, maxTokens, thinking, reasoningBudget },
}

type Key = keyof typeof settable
const keys = Object.keys(settable) as Key[]
/** `top-p` of topP, as its flag has it. */
const nameOf = (key: Key): string => flagName(key).slice(2)
const names = keys.map(nameOf)

/** Puts a setting back to what the command line, or else the model, says. */
const unset = 'default'

/** What replies are sampled by, as the command line and /set have it. Knows no terminal. */
export class ChatSettings {
  readonly #engine: Pick<EngineSettings, 'sampling' | 'reasoningBudget' | 'lora'>
  readonly #given: Pick<Settled<typeof chatFlags>, 'maxTokens' | 'thinking'>
  /** Set by /set. */
  #own: Partial<Settled<typeof settable>> = {}

  /** @param engine has what else the command line said */
  constructor(
    engine: Pick<EngineSettings, 'sampling' | 'reasoningBudget' | 'lora'>,
    given: Pick<Settled<typeof chatFlags>, 'maxTokens' | 'thinking'>,
  ) {
    this.#engine = engine
    this.#given = given
  }

  get maxTokens(): number | undefined {
    return this.#own.maxTokens ?? this.#given.maxTokens
  }

  /** Of a reply. */
  get options(): ChatOptions {
    const { thinking: mode, reasoningBudget: budget, maxTokens: _, ...sampling } = this.#own
    const isOn = (mode ?? this.#given.thinking) === 'on'
    const { maxTokens: most } = this
    return {
      ...sampling,
      ...withAllAdapters(this.#engine),
      ...(most === undefined ? {} : { maxTokens: most }),
      reasoning: { enabled: isOn, ...(budget === undefined ? {} : { budget }) },
    }
  }

  /** @throws InvalidOptionError for a name or a value that is none */
  set(name: string, value: string): void {
    const key = keyOf(name)
    const { [key]: _, ...others } = this.#own
    this.#own = value === unset ? others : { ...others, ...readValue(key, value) }
  }

  /** One setting and its value, as /set takes it. @throws InvalidOptionError */
  shown(name: string): string {
    return this.#shownKey(keyOf(name))
  }

  /** Each setting, or those alone that /set has set. */
  get all(): string[] {
    return keys.map((key) => this.#shownKey(key))
  }

  #shownKey(key: Key): string {
    const own = this.#own[key] === undefined ? '' : '  (set here)'
    return `${nameOf(key)} ${this.#value(key)}${own}`
  }

  #value(key: Key): number | string {
    switch (key) {
      case 'seed':
        return this.#own.seed ?? this.#engine.sampling.seed ?? 'another for each reply'
      case 'maxTokens':
        return this.maxTokens ?? 'until the context is full'
      case 'thinking':
        return this.#own.thinking ?? this.#given.thinking
      case 'reasoningBudget':
        return this.#own.reasoningBudget ?? this.#engine.reasoningBudget
      default:
        return this.#own[key] ?? this.#engine.sampling[key satisfies SamplingName]
    }
  }
}

function keyOf(name: string): Key {
  const bare = name.replace(/^--/, '')
  const key = keys.find((one) => nameOf(one) === bare || one === bare)
  if (key !== undefined) return key
  const meant = nearest(bare, names)
  const hint = meant === undefined ? '/set alone lists them' : `did you mean ${meant}?`
  throw new InvalidOptionError(name, `'${name}' is no setting; ${hint}`)
}

/** As the command line reads it. */
function readValue(key: Key, value: string): object {
  try {
    return settleFlags({ [key]: settable[key] } as Flags, { [key]: value }, {})
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error
    const message = error.message.replace(/^'[^']*'/, `'${nameOf(key)}'`)
    throw new InvalidOptionError(nameOf(key), message)
  }
}
