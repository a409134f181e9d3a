import { meantBy, removeModel, removeRest } from '../../hub/cached-models.js'
import { hubCache } from '../../hub/settings.js'
import { wrong } from '../../options/checks.js'
import { hubNameForm, parseHubName } from '../../options/hub-name.js'
import { loadBinding } from '../native-options.js'

/** Takes a model of the Hub out of the cache. Nothing where it is not there. */
export async function removePulled(text: string): Promise<void> {
  const name = parseHubName(text)
  if (name === undefined) throw wrong('name', hubNameForm, text)
  const cache = hubCache()
  for (const model of await meantBy(name, cache, true)) await removeModel(model, cache)
  await removeRest(name.repo, cache, loadBinding().lockFile)
}
