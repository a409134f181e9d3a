import { PullError } from '../../api/errors.js'
import { loadBinding } from '../../engine/native-options.js'
import { meantBy, removeModel, removeRest } from '../../hub/cached-models.js'
import { hubCache } from '../../hub/settings.js'
import type { removeFlags } from '../../options/command-flags.js'
import type { Settled } from '../../options/flags.js'
import { type HubName, parseHubName } from '../../options/hub-name.js'
import { colours } from '../colours.js'
import { hubNameGiven } from './pull.js'
import { bytesText } from './sizes.js'

/** `sluice rm`: tells on stderr what it took. @returns the exit code */
export async function removeCommand(
  argument: string,
  { all }: Settled<typeof removeFlags>,
): Promise<number> {
  const text = hubNameGiven(argument)
  const name = parseHubName(text) as HubName
  const cache = hubCache()
  const models = await meantBy(name, cache, all)
  for (const model of models) tell(model.name, await removeModel(model, cache))
  const rest = await removeRest(name.repo, cache, loadBinding().lockFile)
  if (rest > 0) tell(`what was not finished of hf:${name.repo}`, rest)
  if (models.length > 0 || rest > 0) return 0
  const advice = 'sluice list tells what is there'
  throw new PullError('not-cached', `${text} is not in the cache ${cache}; ${advice}`)
}

function tell(what: string, bytes: number): void {
  const words = `removed ${what}, ${bytesText(bytes)} freed`
  process.stderr.write(`${colours.dim('sluice:')} ${words}\n`)
}
