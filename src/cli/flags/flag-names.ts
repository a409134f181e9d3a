import { InvalidOptionError } from '../../api/errors.js'
import { type Flags, flagName } from '../../options/flags.js'

/** Options of the functions whose flags have another name. */
const keys: Readonly<Record<string, string>> = {
  file: 'model',
  cacheMiB: 'cacheMib',
  cacheDiskGiB: 'cacheDiskGib',
  memoryMiB: 'memoryMib',
  responseStoreBytes: 'responseStoreMib',
  chatTemplate: 'chatTemplateFile',
  'reasoning.enabled': 'thinking',
  'reasoning.budget': 'reasoningBudget',
  'reasoning.budgetMessage': 'reasoningBudgetMessage',
  aliases: 'alias',
  allowHosts: 'allowHost',
  allowOrigins: 'allowOrigin',
}

/** An option's flag: `--allow-host` of allowHosts. */
export function flagOf(option: string): string {
  return flagName(keys[option] ?? option)
}

/** An error of an option, with the flag's name instead: `--kv-cells`. */
export function inFlags(error: unknown, flags: Flags): unknown {
  if (!(error instanceof InvalidOptionError)) return error
  const option = error.option.replace(/^sampling\./, '')
  const key = keys[option] ?? option
  if (!Object.hasOwn(flags, key)) return error
  const name = flagName(key)
  const message = error.message.replace(/^'[^']*'/, `'${name}'`)
  return new InvalidOptionError(name, message, { cause: error.cause })
}
