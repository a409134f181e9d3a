import type { PullOptions, PullProgress, PullResult } from '../../api/pull-types.js'
import { pullModel } from '../../hub/pull.js'
import { hubSettings } from '../../hub/settings.js'
import { abortSignal, aFunction, type Checks, parseFields, wrong } from '../../options/checks.js'
import { type HubName, hubNameForm, parseHubName } from '../../options/hub-name.js'
import { abortedBy, onAbort } from '../abort-signals.js'
import { fromCaller } from '../call-site.js'
import { guarded } from '../callbacks.js'
import { loadBinding } from '../native-options.js'

const pullChecks: Checks<PullOptions> = { onProgress: aFunction, signal: abortSignal }

/**
 * Downloads a model from the Hugging Face Hub into the cache that the Hub's other tools share, and
 * checks its sha256. What is there already is not downloaded again, and what was cut goes on.
 *
 * Takes `hf:OWNER/REPO:QUANT` or `hf:OWNER/REPO/FILE.gguf`; without a quant it is Q4_K_M, Q8_0, or
 * the first GGUF file by name. `@REVISION` after the repository is a branch, a tag or a commit.
 *
 * Rejects with ERR_INVALID_OPTION, ERR_PULL_FAILED (PullError has the reason), ERR_BINARY_MISSING,
 * or ERR_CANCELLED when `signal` is aborted.
 */
export async function pull(name: string, options: PullOptions = {}): Promise<PullResult> {
  return fromCaller(() => {
    const parsed = typeof name === 'string' ? parseHubName(name) : undefined
    if (parsed === undefined) throw wrong('name', hubNameForm, name)
    const { onProgress, signal } = parseFields<PullOptions>(options, pullChecks)
    return pullFor(parsed, guarded('onProgress', onProgress ?? (() => undefined)), signal)
  })
}

/** The same, with what was checked. */
export async function pullFor(
  name: HubName,
  tell: (progress: PullProgress) => void,
  signal: AbortSignal | undefined,
): Promise<PullResult> {
  const what = 'the pull was aborted'
  if (signal?.aborted) throw abortedBy(signal, what)
  // The caller's may be of another realm, which fetch refuses.
  const own = new AbortController()
  const rest = onAbort(signal, () => own.abort())
  try {
    const { lockFile } = loadBinding()
    const context = { settings: hubSettings(), lockFile, tell, signal: own.signal }
    return await pullModel(name, context)
  } catch (error) {
    throw own.signal.aborted ? abortedBy(signal, what) : error
  } finally {
    rest()
  }
}
