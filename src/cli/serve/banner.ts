import { type Ability, abilityOf } from '../../api/ability.js'
import type { EngineSettings, ModelInfo } from '../../api/types.js'
import type { Engine } from '../../engine/engine.js'
import type { LoadedModel } from '../../host/model-host.js'
import type { Address } from '../../http/node/server.js'
import { defaultName } from '../../options/models-options.js'
import type { Models } from '../../pool/models.js'
import { packageVersion } from '../package-root.js'
import type { ShellKey } from './shell-key.js'

type Model = Pick<LoadedModel, 'names' | 'model' | 'settings'> & {
  readonly engine: Pick<Engine, 'warnings'>
}

/** Where it can be asked. */
interface Place {
  /** As it was bound. */
  readonly url: string
  /** Every URL, where it listens on all addresses. */
  readonly urls: readonly string[] | undefined
  readonly key: ShellKey | undefined
  /** Whether the page for browsers is there. */
  readonly hasPage: boolean
  /** What listens beside it. */
  readonly beside?: Beside
}

interface Beside {
  readonly metrics?: Pick<Address, 'url'> | undefined
  readonly agent?: Pick<Address, 'host' | 'port'> | undefined
}

interface Shown {
  readonly drainMs: number
  readonly readerStallMs: number
  readonly engineStallMs: number
  readonly isolateKeys: boolean
}

/** What `serve` says once it is ready: models, what was settled, addresses, a request. */
export function banner(
  models: readonly Model[] | Models,
  { url, urls, key, hasPage, beside = {} }: Place,
  flags: Shown,
): string {
  const own = urls?.[0] ?? url
  const isOne = Array.isArray(models)
  const [first] = isOne ? models : []
  const trial = key?.needs === undefined ? 'Try:' : `Try, in a shell that has ${key.needs}:`
  const ability = first === undefined ? 'text' : abilityOf(first.model)
  const listening =
    urls === undefined
      ? [`Listening on ${url}. ${trial}`]
      : ['Listening on all addresses:', ...urls.map((one) => `  ${one}`), trial]
  return [
    ...(isOne ? models.flatMap((model) => linesOf(model, flags)) : linesOfAll(models as Models)),
    ...listening,
    '',
    curls[ability](own, key),
    '',
    ...(hasPage ? [pageLine(own, ability, key), ''] : []),
    ...besideLines(beside),
    '',
  ].join('\n')
}

function besideLines({ metrics, agent }: Beside): string[] {
  return [
    ...(metrics === undefined ? [] : [`Metrics, without a key: ${metrics.url}/metrics`, '']),
    ...(agent === undefined ? [] : [`Agent-checks of HAProxy: ${agent.host}:${agent.port}`, '']),
  ]
}

/** The page asks for the key: a link that carries it would stay in the shell's history. */
function pageLine(url: string, ability: Ability, key: ShellKey | undefined): string {
  const use = ability === 'text' ? 'to chat and to watch the engine' : 'to watch the engine'
  const asks = key === undefined ? '' : '; it asks for the key'
  return `Or open ${url} in a browser, ${use}${asks}.`
}

/** Of models that are loaded when they are asked for. */
function linesOfAll(models: Models): string[] {
  const { names, memoryMiB, idleUnloadMs } = models
  const idle = idleUnloadMs === 0 ? 'never' : `after ${idleUnloadMs / 1000} s`
  return [
    `Sluice ${packageVersion()} serves ${names.join(', ')}, each loaded when it is asked for`,
    `  default ${models.default}, memory-mib ${memoryMiB} for all, idle-unload ${idle}`,
  ]
}

function linesOf({ names, model, settings, engine }: Model, flags: Shown): string[] {
  const said = names.filter((name, i) => i === 0 || name !== defaultName).join(', ')
  const stalls = `reader-stall-ms ${flags.readerStallMs}, engine-stall-ms ${flags.engineStallMs}`
  return [
    `Sluice ${packageVersion()} serves ${said} (${model.description})`,
    `  ${purpose(model)}` +
      `parallel ${settings.parallel}, ${contextOf(settings, model)}, ` +
      `kv-type ${settings.kvType}, threads ${settings.threads}, ${computing(settings)}`,
    `  cache-mib ${settings.cacheMiB}${sharing(settings.kvCells, flags.isolateKeys)}` +
      drafting(settings) +
      reasoning(settings),
    `  window ${settings.window}, queue ${settings.queue}, ` +
      `queue-deadline-ms ${settings.queueDeadlineMs}, ${stalls}, drain-ms ${flags.drainMs}`,
    ...(settings.rpc.length === 0 ? [] : [workersLine(settings.rpc)]),
    ...(engine.warnings.length === 0 ? [] : [`  warnings: ${codesOf(engine)}`]),
  ]
}

function workersLine(rpc: readonly string[]): string {
  return `  rpc ${rpc.join(', ')}: no key, no encryption, for a network that you trust and no other`
}

function contextOf({ context }: EngineSettings, { trainedContext }: ModelInfo): string {
  const beyond = context > trainedContext ? ` (the model was trained on ${trainedContext})` : ''
  return `context ${context} tokens each${beyond}`
}

function codesOf({ warnings }: Pick<Engine, 'warnings'>): string {
  return [...new Set(warnings.map(({ code }) => code))].join(', ')
}

/** One line for a shell, which finds the key itself. */
export function curl(url: string, key: ShellKey | undefined): string {
  const body = {
    model: defaultName,
    messages: [{ role: 'user', content: 'Tell me a story' }],
    stream: true,
  }
  return `curl -N ${url}/v1/chat/completions ${jsonOf(body, key)}`
}

/** The same of a model that embeds. */
function embeddingCurl(url: string, key: ShellKey | undefined): string {
  const body = { model: defaultName, input: ['A story', 'Another story'] }
  return `curl ${url}/v1/embeddings ${jsonOf(body, key)}`
}

/** The same of a reranker. */
function rerankCurl(url: string, key: ShellKey | undefined): string {
  const body = { model: defaultName, query: 'A story', documents: ['Once upon a time', 'A recipe'] }
  return `curl ${url}/v1/rerank ${jsonOf(body, key)}`
}

/** What shows how a model is asked for what it does. */
const curls: Record<Ability, typeof curl> = {
  text: curl,
  embeddings: embeddingCurl,
  ranks: rerankCurl,
}

function jsonOf(body: object, key: ShellKey | undefined): string {
  const header = key === undefined ? '' : ` -H "Authorization: Bearer ${key.words}"`
  return `-H 'Content-Type: application/json'${header} -d '${JSON.stringify(body)}'`
}

/** Nothing of a model that writes text. */
function purpose(model: ModelInfo): string {
  if (abilityOf(model) === 'ranks') return 'ranks documents, '
  const { embedding } = model
  if (embedding === undefined) return ''
  return `embeds: vectors of ${embedding.size}, pooling ${embedding.pooling}, `
}

function computing({ gpu, gpuLayers }: EngineSettings): string {
  return gpu === false ? 'gpu off' : `gpu ${gpu}, gpu-layers ${gpuLayers}`
}

function sharing(kvCells: number, isolateKeys: boolean): string {
  const cells = kvCells === 0 ? '' : `, kv-cells ${kvCells} for all`
  return `${cells}${isolateKeys ? ', isolate-keys' : ''}`
}

function drafting({ draft, lookup, mtp, draftMax }: EngineSettings): string {
  if (draft === null && !lookup && !mtp) return ''
  const limit = draftMax === 0 ? '' : `, draft-max ${draftMax}`
  const own = mtp ? 'mtp' : 'lookup'
  return `, ${draft === null ? own : `draft ${draft}`}${limit}`
}

function reasoning({ reasoningBudget }: EngineSettings): string {
  return reasoningBudget === -1 ? '' : `, reasoning-budget ${reasoningBudget}`
}
