import os from 'node:os'
import path from 'node:path'
import { SluiceError } from '../../api/errors.js'
import type { Estimate } from '../../api/placement-types.js'
import type { EstimateOptions } from '../../api/types.js'
import type { NativeAddon, NativeBackend } from '../../binding/native.js'
import { platformName } from '../../binding/platform.js'
import { estimate } from '../../engine/estimate.js'
import { asked, coresMax, freeBytes as freeBytesOf } from '../../engine/machine.js'
import { loadBinding } from '../../engine/native-options.js'
import { deviceOf, sumOf } from '../../engine/placement.js'
import { cachedHubFile } from '../../engine/pull/hub-file.js'
import { isHubName } from '../../options/hub-name.js'
import { packageVersion } from '../package-root.js'
import { gibibytes } from './format.js'
import { featureNames, idleHardware, platform, processorFeatures } from './machine.js'
import type { BackendReport, DoctorReport, Problem } from './report.js'
import { trustedNetwork, workerDevices } from './workers.js'

/** Looks at everything; throws nothing but programming errors. */
export async function examine(
  model: string | undefined,
  options: EstimateOptions,
): Promise<DoctorReport> {
  const problems: Problem[] = []
  const addon = foundAddon(problems)
  const backends = addon?.backends().map(backendOf) ?? []
  // ggml says that all of the system's memory is free.
  // With `gpu: false` no GPU is started: a driver may end the process.
  const devices = addon?.devices(options.gpu !== false).map(deviceOf) ?? []
  const total = devices.find(({ kind }) => kind === 'cpu')?.totalBytes ?? 0
  const totalBytes = asked(() => os.totalmem(), total)
  const freeBytes = addon === null ? asked(() => os.freemem(), 0) : freeBytesOf(addon)
  const own = devices.map((one) => (one.kind === 'cpu' ? { ...one, freeBytes } : one))
  const cpu = processor(addon, backends)
  problems.push(...idleFeatures(cpu), ...idleDevices(devices, backends))
  const { rpc = [] } = options
  own.push(...(addon === null ? [] : await workerDevices(rpc, addon.rpcVersion, problems)))
  const wanted = addon !== null && model !== undefined
  // A model's estimate says it by itself.
  if (!wanted) problems.push(...missingBackend(options.gpu, own))
  const needed = wanted ? await needs(model, options, problems) : null
  if (needed === null) problems.push(...trustedNetwork(rpc))
  return {
    format: 1,
    sluice: packageVersion(),
    llamaCpp: addon?.llamaCppVersion ?? null,
    platform: platform(),
    cpu,
    memory: { totalBytes, freeBytes },
    backends,
    devices: own,
    model: needed,
    problems,
  }
}

function foundAddon(problems: Problem[]): NativeAddon | null {
  try {
    return loadBinding()
  } catch (error) {
    problems.push({
      level: 'error',
      what: `there is no native binary for ${platformName()} that loads${whyNone(error)}`,
      fix:
        'install sluice again without --omit=optional, for a prebuilt one, or compile it ' +
        'with: npx sluice build (needs cmake and a C++ compiler)',
    })
    return null
  }
}

/** Each place that was looked at, and why it was of no use. */
function whyNone(error: unknown): string {
  const { cause } = error as Error
  if (!(cause instanceof Error)) return ''
  const places = cause.message.split('\n').map((line) => line.replace(/^- /, ''))
  return `: ${places.join('; ')}`
}

function backendOf({ name, path: file, variant, loaded, reason }: NativeBackend): BackendReport {
  return { name, loaded, path: file || null, variant: variant || null, reason: reason || null }
}

function processor(addon: NativeAddon | null, backends: BackendReport[]): DoctorReport['cpu'] {
  const used = addon === null ? null : Object.entries(addon.cpuFeatures())
  const chosen = backends.find(({ name, loaded }) => name === 'cpu' && loaded)
  return {
    model: asked(() => os.cpus()[0]?.model.trim(), '') || 'unknown',
    cores: coresMax(),
    features: processorFeatures(),
    used: used?.filter(([, value]) => value === '1').map(([name]) => name) ?? null,
    variant: chosen?.variant ?? null,
  }
}

function idleFeatures({ features, used }: DoctorReport['cpu']): Problem[] {
  if (features === null || used === null) return []
  const idle = features.filter((name) => featureNames.includes(name) && !used.includes(name))
  if (idle.length === 0) return []
  return [
    {
      level: 'warning',
      what: `this processor has ${idle.join(', ')}, which the binary does not use`,
      fix: 'compile it for this machine with: npx sluice build',
    },
  ]
}

function idleDevices(devices: DoctorReport['devices'], backends: BackendReport[]): Problem[] {
  const faulty = devices.filter(({ fault }) => fault !== undefined)
  const problems = faulty.map(({ name, description, fault }): Problem => {
    const fix = 'update its driver, end what else uses it, or pass --gpu off'
    return { level: 'warning', what: `${name} (${description}) cannot be used: ${fault}`, fix }
  })
  const hasGpu = devices.some(({ kind }) => kind === 'gpu' || kind === 'integrated')
  const idle = hasGpu ? null : idleHardware()
  if (idle === null) return problems
  const { loaded } = backends.find(({ name }) => name === idle.backend) ?? { loaded: false }
  return [
    ...problems,
    {
      level: 'warning',
      what: `${idle.name} is here, and nothing uses it`,
      fix: loaded
        ? `install or update its driver; the ${idle.backend} backend finds no device`
        : howToGet(idle.backend),
    },
  ]
}

function missingBackend(gpu: EstimateOptions['gpu'], devices: DoctorReport['devices']): Problem[] {
  if (gpu === undefined || gpu === false || gpu === 'auto') return []
  if (devices.some(({ backend, fault }) => backend === gpu && fault === undefined)) return []
  return [
    {
      level: 'error',
      what: `gpu '${gpu}' was asked for, and no device of it works here`,
      fix: howToGet(gpu),
    },
  ]
}

function howToGet(backend: string): string {
  const compile = `npx sluice build --${backend}`
  if (backend === 'metal') return `compile on a Mac with: ${compile}`
  return `npm install @sluice/${platformName()}-${backend}, or compile with: ${compile}`
}

async function needs(
  model: string,
  options: EstimateOptions,
  problems: Problem[],
): Promise<DoctorReport['model']> {
  try {
    const found = await estimate(model, options)
    for (const { message } of found.warnings) {
      problems.push({ level: 'warning', what: message, fix: 'see docs/devices.md' })
    }
    if (!found.fits) problems.push(tooLarge(found))
    const file = isHubName(model) ? await cachedHubFile(model) : model
    return { path: path.resolve(file), ...found }
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    problems.push({
      level: 'error',
      what: `${model} cannot be loaded (${error.code})`,
      fix: error.message,
    })
    return null
  }
}

function tooLarge({ placement, freeBytes, totalBytes }: Estimate): Problem {
  const host = gibibytes(sumOf(placement.host))
  const all = ` of the system's memory (${gibibytes(totalBytes)} in all)`
  const where = placement.gpu === false ? '' : all
  return {
    level: 'warning',
    what: `this needs ${host}${where}, and ${gibibytes(freeBytes)} are free`,
    fix: 'take a smaller quantization, or lower --context, --parallel or --kv-type',
  }
}
