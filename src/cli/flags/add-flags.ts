import { type Command, Help, type HelpConfiguration, Option } from 'commander'
import { type Flag, type Flags, flagName } from '../../options/flags.js'
import { groupOf, groups } from './flag-groups.js'

/** Columns for flags in the help; of a longer one the description begins on the next line. */
const flagColumns = 26

/** For 80 columns: without it the longest flag takes half of each line. */
export const helpLayout: HelpConfiguration = {
  padWidth: (command, helper) => Math.min(Help.prototype.padWidth(command, helper), flagColumns),
  formatItem(term, width, description, helper) {
    const item = Help.prototype.formatItem.bind(this)
    if (helper.displayWidth(term) <= width) return item(term, width, description, helper)
    return `  ${term}\n${item('', width, description, helper)}`
  },
}

/**
 * Declares a table's flags, in groups, and ends the help with examples; what the flags were given
 * is left as text, for settleFlags to read.
 */
export function addFlags(command: Command, flags: Flags, examples: readonly string[]): void {
  for (const group of groups) {
    const own = Object.entries(flags).filter(([key]) => groupOf(key) === group)
    for (const [key, flag] of own) command.addOption(optionOf(key, flag).helpGroup(`${group}:`))
  }
  command.addHelpOption(new Option('-h, --help', 'show this').helpGroup('Help:'))
  const some = Object.keys(flags).length > 0
  command.addHelpText(
    'after',
    (some ? '\nEach is a variable of the environment as well: --top-k is SLUICE_TOP_K.\n' : '') +
      `\nExamples:\n${examples.map((line) => `  ${line}\n`).join('')}`,
  )
}

function optionOf(key: string, { argument, help, many, fallbackHelp }: Flag<unknown>): Option {
  const name = argument === null ? flagName(key) : `${flagName(key)} <${argument}>`
  const otherwise = fallbackHelp === undefined ? '' : ` (default: ${fallbackHelp})`
  const option = new Option(name, `${help}${otherwise}`)
  option.negate = false // to commander `--no-history` would be `history`, which is no flag of ours
  if (many) option.argParser((value: string, before: string[] = []) => [...before, value])
  return option
}
