import { type Command, Option } from 'commander'
import { type Flag, type Flags, flagName } from '../options/flags.js'

/** Declares a table's flags; what they were given is left as text, for settleFlags to read. */
export function addFlags(command: Command, flags: Flags): void {
  for (const [key, flag] of Object.entries(flags)) command.addOption(optionOf(key, flag))
  command.addHelpText(
    'after',
    '\nEach option can be set in the environment as well: --gpu-layers is SLUICE_GPU_LAYERS.',
  )
}

function optionOf(key: string, { argument, help, many, fallbackHelp }: Flag<unknown>): Option {
  const name = argument === null ? flagName(key) : `${flagName(key)} <${argument}>`
  const otherwise = fallbackHelp === undefined ? '' : ` (default: ${fallbackHelp})`
  const option = new Option(name, `${help}${otherwise}`)
  if (many) option.argParser((value: string, before: string[] = []) => [...before, value])
  return option
}
