import { embeddedModel } from '../binding/embedded-model.js'
import type { doctorFlags } from '../options/command-flags.js'
import { parseEstimateOptions } from '../options/engine-options.js'
import type { Settled } from '../options/flags.js'
import { examine } from './doctor/examine.js'
import { doctorText } from './doctor/format.js'
import { engineOptions } from './load-options.js'

type Flags = Settled<typeof doctorFlags>

/**
 * `sluice doctor`: to stdout.
 * @returns the exit code, 1 where something does not work
 * @throws InvalidOptionError
 */
export async function doctorCommand(argument: string | undefined, flags: Flags): Promise<number> {
  const model = argument ?? flags.model
  const options = engineOptions(flags)
  // Flags that do not go together are a wrong command, and no fault of the model or the machine.
  parseEstimateOptions(model, options, embeddedModel)
  const report = await examine(model, options)
  process.stdout.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : doctorText(report))
  return report.problems.some(({ level }) => level === 'error') ? 1 : 0
}
