import { sumOf } from '../../engine/placement.js'
import { colours } from '../colours.js'
import type { BackendReport, DoctorReport, Problem } from './report.js'

const gibibyte = 2 ** 30
const mebibyte = 2 ** 20

/** For people: "2.4 GiB", "38 MiB". */
export function gibibytes(bytes: number): string {
  if (bytes >= gibibyte) return `${(bytes / gibibyte).toFixed(1)} GiB`
  return `${Math.ceil(bytes / mebibyte)} MiB`
}

/** The report as text, for a terminal. */
export function doctorText(report: DoctorReport): string {
  const sections = [
    section(title(report), machineLines(report)),
    section('Backends', backendLines(report)),
    section('Devices', deviceLines(report)),
    report.model === null ? '' : section(`Model ${report.model.path}`, modelLines(report.model)),
    problemText(report.problems),
  ]
  return sections.filter((text) => text !== '').join('\n')
}

type Line = readonly [name: string, text: string]

function section(head: string, lines: readonly Line[]): string {
  if (lines.length === 0) return ''
  const width = Math.max(...lines.map(([name]) => name.length))
  return `${head}\n${lines.map(([name, text]) => `  ${name.padEnd(width)}  ${text}\n`).join('')}`
}

function title({ sluice, llamaCpp }: DoctorReport): string {
  return llamaCpp === null ? `Sluice ${sluice}` : `Sluice ${sluice}, llama.cpp ${llamaCpp}`
}

function machineLines({ platform, cpu, memory }: DoctorReport): Line[] {
  const { os, arch, release, node, libc } = platform
  const system = [`${os} ${arch} ${release}`, libc, `Node ${node}`].filter((part) => part !== null)
  const own: Line[] = [
    ['platform', system.join(', ')],
    ['processor', `${cpu.model}, ${cpu.cores} ${cpu.cores === 1 ? 'core' : 'cores'}`],
  ]
  if (cpu.features !== null) own.push(['', `has ${list(cpu.features)}`])
  if (cpu.used !== null) own.push(['', `binary uses ${list(cpu.used)}`])
  if (cpu.variant !== null) own.push(['', `variant ${cpu.variant}`])
  own.push(['memory', memoryText(memory)])
  return own
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none of what matters here' : names.join(', ')
}

function memoryText({ freeBytes, totalBytes }: { freeBytes: number; totalBytes: number }): string {
  return `${gibibytes(freeBytes)} free of ${gibibytes(totalBytes)}`
}

function backendLines({ backends }: DoctorReport): Line[] {
  const isIdleVariant = (one: BackendReport) => one.variant !== null && !one.loaded
  const lines = backends
    .filter((one) => !isIdleVariant(one))
    .map(({ name, loaded, path, reason }): Line => {
      const state = loaded ? (path ?? 'linked in') : 'not here'
      return [name, reason === null ? state : `${state}: ${reason}`]
    })
  // A package has the CPU's backend for a dozen processors: a line for each reason.
  const idle = backends.filter(isIdleVariant)
  const reasons = new Set(idle.map(({ reason }) => reason))
  return [...lines, ...[...reasons].map((reason): Line => ['cpu', variants(reason, idle)])]
}

function variants(reason: string | null, backends: readonly BackendReport[]): string {
  const them = backends.filter((one) => one.reason === reason)
  return `not ${them.map(({ variant }) => variant).join(', ')}: ${reason}`
}

function deviceLines({ devices }: DoctorReport): Line[] {
  return devices.map(({ name, description, kind, fault, ...memory }) => {
    if (fault !== undefined) return [name, `${description}, cannot be used: ${fault}`]
    const isTold = kind === 'cpu' || memory.totalBytes === 0 // the processor's is above
    return [name, isTold ? description : `${description}, ${memoryText(memory)}`]
  })
}

function modelLines(model: NonNullable<DoctorReport['model']>): Line[] {
  const { placement, context, parallel, kvType } = model
  const { gpu, gpuLayers, layers, devices, host } = placement
  const parts = [...devices.map((one) => [one.name, one] as const), ['host memory', host] as const]
  const where =
    gpu === false ? 'on the CPU' : `${gpuLayers} of ${layers} layers on the GPU (${gpu})`
  return [
    ['is', model.model.description],
    ['would run', `${where}, ${parallel} x ${context} tokens, kv-type ${kvType}`],
    ...parts.map(([name, use]): Line => {
      const { weightsBytes, kvBytes, computeBytes } = use
      const sum = `weights ${gibibytes(weightsBytes)}, KV ${gibibytes(kvBytes)}`
      return [name, `${gibibytes(sumOf(use))}: ${sum}, compute ${gibibytes(computeBytes)}`]
    }),
    ['fits', model.fits ? 'yes' : 'no'],
  ]
}

function problemText(problems: readonly Problem[]): string {
  if (problems.length === 0) return `${colours.green('No problems found.')}\n`
  return problems
    .map(({ level, what, fix }) => {
      const paint = level === 'error' ? colours.red : colours.yellow
      return `${paint(`${level}:`)} ${what}\n  ${fix}\n`
    })
    .join('')
}
