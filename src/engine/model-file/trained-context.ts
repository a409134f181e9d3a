import type { LoadWarning } from '../../api/placement-types.js'
import type { NativeModelInfo } from '../../binding/engine-port.js'
import { readRopeScaling } from './rope-scaling.js'

/** Never rejects. */
export async function warningsOfContext(
  file: string,
  { context, trainedContext, embedding }: Contexts,
): Promise<LoadWarning[]> {
  // An engine that embeds takes no more than the trained context.
  if (context <= trainedContext || trainedContext <= 0 || embedding !== undefined) return []
  const scaling = await readRopeScaling(file)
  const reach =
    scaling === undefined
      ? trainedContext
      : Math.max(trainedContext, scaling.factor * (scaling.originalContext ?? trainedContext))
  if (context <= reach) return []
  const message =
    `a context of ${context} tokens is longer than the ${reach} that the model was trained on: ` +
    `what it says beyond those may make no sense. Ask for ${reach} at most, or take a model that ` +
    'was trained on more.'
  return [{ code: 'WARN_CONTEXT_BEYOND_TRAINED', message }]
}

type Contexts = Pick<NativeModelInfo, 'context' | 'trainedContext' | 'embedding'>
