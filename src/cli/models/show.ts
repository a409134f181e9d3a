import path from 'node:path'
import { abilityOf } from '../../api/ability.js'
import { describedModel } from '../../api/model-description.js'
import type { Estimate } from '../../api/placement-types.js'
import { estimate } from '../../engine/estimate.js'
import { sumOf } from '../../engine/placement.js'
import { cachedHubFile } from '../../engine/pull/hub-file.js'
import type { showFlags } from '../../options/command-flags.js'
import type { Settled } from '../../options/flags.js'
import { isHubName } from '../../options/hub-name.js'
import { gibibytes } from '../doctor/format.js'
import { engineOptions } from '../load-options.js'

type Flags = Settled<typeof showFlags>

/** What `show --json` prints. */
interface ModelReport extends Estimate {
  readonly path: string
  readonly architecture: string
  readonly quant: string
}

/** `sluice show`: to stdout; downloads nothing. @returns the exit code */
export async function showCommand(model: string, flags: Flags): Promise<number> {
  const file = isHubName(model) ? await cachedHubFile(model) : model
  const found = await estimate(file, engineOptions(flags))
  const report = { path: path.resolve(file), ...describedModel(found.model), ...found }
  process.stdout.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : textOf(report))
  return 0
}

function textOf(report: ModelReport): string {
  const { model, context, parallel, kvType, placement, totalBytes, freeBytes, fits } = report
  const lines: [string, string][] = [
    ['file', report.path],
    ['name', model.name],
    ['architecture', report.architecture],
    ['parameters', `${(model.parameters / 1e6).toFixed(1)} million`],
    ['quant', `${report.quant}, ${gibibytes(model.bytes)} of weights`],
    ['context', `${model.trainedContext} tokens trained`],
    ['chat template', abilities(model)],
    ['memory', `${gibibytes(totalBytes)}: ${parts(placement.host)}${onDevices(report)}`],
    ['', `for ${parallel} x ${context} tokens, kv-type ${kvType}`],
    ['fits', `${fits ? 'yes' : 'no'}, ${gibibytes(freeBytes)} free`],
    ...report.warnings.map(({ message }): [string, string] => ['warning', message]),
  ]
  return lines.map(([name, text]) => `${name.padEnd(13)}  ${text}\n`).join('')
}

function abilities(model: Estimate['model']): string {
  const does = abilityOf(model)
  if (does === 'ranks') return 'none: it ranks documents'
  if (does === 'embeddings') return `none: it embeds, vectors of ${model.embedding?.size} numbers`
  const others = model.canInfill ? ['fills gaps (/infill)'] : []
  if (!model.hasChatTemplate) return ['none: it goes on with texts', ...others].join(', ')
  const tools = model.canCallTools ? 'tools' : 'no tools'
  return ['chats', tools, model.canThink ? 'thinks' : 'does not think', ...others].join(', ')
}

function parts(use: Estimate['placement']['host']): string {
  const { weightsBytes, kvBytes, computeBytes } = use
  const sum = `weights ${gibibytes(weightsBytes)}, KV ${gibibytes(kvBytes)}`
  return `${sum}, compute ${gibibytes(computeBytes)}`
}

function onDevices({ placement }: ModelReport): string {
  return placement.devices.map((one) => `; ${one.name} ${gibibytes(sumOf(one))}`).join('')
}
