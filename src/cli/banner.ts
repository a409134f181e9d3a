import type { EmbeddingInfo } from '../api/embedding-types.js'
import type { EngineSettings, ModelInfo } from '../api/types.js'
import type { Engine } from '../engine/engine.js'
import type { ModelEntry } from '../host/model-host.js'
import { defaultName } from '../host/names.js'
import { packageVersion } from './package-root.js'

type Model = Pick<ModelEntry, 'names' | 'model' | 'settings'> & {
  readonly engine?: Pick<Engine, 'warnings'>
}

interface Shown {
  readonly drainMs: number
  readonly readerStallMs: number
  readonly engineStallMs: number
  readonly isolateKeys: boolean
}

/** What `serve` says once it is ready: models, what was settled, the address, a request. */
export function banner(
  models: readonly Model[],
  url: string,
  flags: Shown,
  hasKeys: boolean,
): string {
  const own = url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
  const embeds = models[0]?.model.embedding !== undefined
  return [
    ...models.flatMap((model) => linesOf(model, flags)),
    `Listening on ${url}. Try:`,
    '',
    embeds ? embeddingCurl(own, hasKeys) : curl(own, hasKeys),
    '',
    '',
  ].join('\n')
}

function linesOf({ names, model, settings, engine }: Model, flags: Shown): string[] {
  const said = names.filter((name, i) => i === 0 || name !== defaultName).join(', ')
  const stalls = `reader-stall-ms ${flags.readerStallMs}, engine-stall-ms ${flags.engineStallMs}`
  return [
    `Sluice ${packageVersion()} serves ${said} (${model.description})`,
    `  ${model.embedding === undefined ? '' : embedding(model.embedding)}` +
      `parallel ${settings.parallel}, context ${settings.context} tokens each` +
      `${beyondTrained(model, engine?.warnings)}, ` +
      `kv-type ${settings.kvType}, threads ${settings.threads}, ${computing(settings)}`,
    `  cache-mib ${settings.cacheMiB}${sharing(settings.kvCells, flags.isolateKeys)}` +
      drafting(settings) +
      reasoning(settings),
    `  window ${settings.window}, queue ${settings.queue}, ` +
      `queue-deadline-ms ${settings.queueDeadlineMs}, ${stalls}, drain-ms ${flags.drainMs}`,
  ]
}

/** Where the load has warned of it. */
function beyondTrained({ trainedContext }: ModelInfo, warnings: Engine['warnings'] = []): string {
  const isBeyond = warnings.some(({ code }) => code === 'WARN_CONTEXT_BEYOND_TRAINED')
  return isBeyond ? ` (more than the ${trainedContext} that it was trained on)` : ''
}

/** One line for a shell; the key is taken from the environment in which it is pasted. */
export function curl(url: string, hasKeys: boolean): string {
  const body = {
    model: 'default',
    messages: [{ role: 'user', content: 'Tell me a story' }],
    stream: true,
  }
  return `curl -N ${url}/v1/chat/completions ${jsonOf(body, hasKeys)}`
}

/** The same of a model that embeds. */
function embeddingCurl(url: string, hasKeys: boolean): string {
  const body = { model: 'default', input: ['A story', 'Another story'] }
  return `curl ${url}/v1/embeddings ${jsonOf(body, hasKeys)}`
}

function jsonOf(body: object, hasKeys: boolean): string {
  const key = hasKeys ? ' -H "Authorization: Bearer $SLUICE_API_KEY"' : ''
  return `-H 'Content-Type: application/json'${key} -d '${JSON.stringify(body)}'`
}

function embedding({ size, pooling }: EmbeddingInfo): string {
  return `embeds: vectors of ${size}, pooling ${pooling}, `
}

function computing({ gpu, gpuLayers }: EngineSettings): string {
  return gpu === false ? 'gpu off' : `gpu ${gpu}, gpu-layers ${gpuLayers}`
}

function sharing(kvCells: number, isolateKeys: boolean): string {
  const cells = kvCells === 0 ? '' : `, kv-cells ${kvCells} for all`
  return `${cells}${isolateKeys ? ', isolate-keys' : ''}`
}

function drafting({ draft, lookup, draftMax }: EngineSettings): string {
  if (draft === null && !lookup) return ''
  const limit = draftMax === 0 ? '' : `, draft-max ${draftMax}`
  return `, ${draft === null ? 'lookup' : `draft ${draft}`}${limit}`
}

function reasoning({ reasoningBudget }: EngineSettings): string {
  return reasoningBudget === -1 ? '' : `, reasoning-budget ${reasoningBudget}`
}
