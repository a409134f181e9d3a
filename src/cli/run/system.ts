import { refused } from '../../options/checks.js'
import { readTextFile } from './text-input.js'

interface SystemFlags {
  readonly system?: string
  readonly systemFile?: string
}

/** The system prompt of `--system` or `--system-file`. @throws InvalidOptionError for both */
export async function readSystem({ system, systemFile }: SystemFlags): Promise<string | undefined> {
  if (systemFile === undefined) return system
  if (system !== undefined) throw refused('--system-file', 'it alone, or --system', 'both')
  return readTextFile('--system-file', systemFile)
}
