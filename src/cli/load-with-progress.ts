import type { LoadOptions } from '../api/types.js'
import type { Engine } from '../engine/engine.js'
import { load } from '../engine/load.js'
import { loadOptions, printWarning, type ReplyFlags } from './load-options.js'
import { PullProgressLine } from './models/pull-progress.js'
import { ProgressBar } from './progress.js'

/**
 * Loads a model as the flags say, and tells on stderr how far it is, its pull too.
 * @param file of the model; undefined is the storyteller
 */
export async function loadWithProgress(
  flags: ReplyFlags,
  file: string | undefined,
  more: Pick<LoadOptions, 'cacheMiB' | 'parallel' | 'signal' | 'onCrash'>,
): Promise<Engine> {
  const progress = new ProgressBar('Loading')
  const pull = new PullProgressLine()
  try {
    const onProgress = (fraction: number): void => {
      pull.clear()
      progress.update(fraction)
    }
    const tell = { onProgress, onPull: pull.update, onWarning: printWarning }
    return await load({ ...loadOptions(flags, file), ...tell, ...more })
  } finally {
    pull.clear()
    progress.clear()
  }
}
