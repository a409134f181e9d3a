import * as z from 'zod'
import type { PullProgress } from '../../api/pull-types.js'
import { pull } from '../../engine/pull/pull.js'
import { areNames, untagged } from '../../host/names.js'
import { parseHubName } from '../../options/hub-name.js'
import { optionName } from '../../options/spoken-names.js'
import { type Answer, json } from '../../web/answer.js'
import type { Call } from '../../web/call.js'
import { HttpError } from '../../web/errors.js'
import type { Service } from '../api.js'
import { fieldError, flag, parseBody, wholeBody } from '../request.js'
import { knownFieldsOf } from '../unknown-fields.js'
import { namedFields, namedModel } from './fields.js'
import { PullLines, success } from './pull-lines.js'

/** POST /api/pull */
export const pullRequest = z.object({ ...namedFields, stream: flag(true) }, wholeBody)

const known = knownFieldsOf(pullRequest, ['insecure', 'username', 'password'])
const hubForm = "hf.co/OWNER/REPO:QUANT (Ollama's own library is not read)"

/** POST /api/pull. A model that is there is there, whoever may pull others. */
export async function pullModel(service: Service, call: Call): Promise<Answer> {
  service.checkServing()
  const request = parseBody(pullRequest, await call.body(), call, known)
  const { stream } = request
  const asked = namedModel(request, hubForm)
  const isThere = service.host.entries().some(({ names }) => areNames(names, asked))
  const progress = new PullLines()
  if (isThere) progress.end()
  else {
    checkAllowed(service)
    begin(service, call, asked, progress)
  }
  if (stream) return progress.answer()
  await progress.done
  return json(200, success)
}

/** Throws a 403 where requests may not say which models there are. */
export function checkAllowed({ settings }: Service): void {
  if (settings.allowPull) return
  const message =
    'Models are not pulled, copied or deleted here by requests; ' +
    `the server's owner can allow it (${optionName('allowPull')}).`
  throw new HttpError('not_allowed', message)
}

function begin({ host }: Service, call: Call, asked: string, progress: PullLines): void {
  const hubName = hubNameIn(asked)
  if (hubName === undefined) throw fieldError('model', hubForm, asked)
  host.checkAdd(untagged(asked)) // before anything is downloaded
  const tell = (one: PullProgress) => progress.tell(one)
  const run = async () => {
    const { name } = await pull(hubName, { onProgress: tell, signal: call.signal })
    const isThere = host.entries().some(({ names }) => areNames(names, asked))
    if (!isThere) host.add(untagged(asked), name) // another pull of it may have been faster
  }
  run().then(
    () => progress.end(),
    (error: unknown) => progress.fail(error),
  )
}

/** The Hub's name in Ollama's words for it, or in ours. */
function hubNameIn(asked: string): string | undefined {
  const plain = untagged(asked).replace(/^(?:https?:\/\/)?(?:hf\.co|huggingface\.co)\//, 'hf:')
  return parseHubName(plain) === undefined ? undefined : plain
}
