import fs from 'node:fs'
import os from 'node:os'
import { libc } from '../../binding/platform.js'
import { asked } from '../../engine/machine.js'
import type { DoctorReport } from './report.js'

/** What Node and the system say of this machine, without the addon. */

/** Names of ggml, and the system's for the same (Linux' /proc/cpuinfo). */
const features: readonly [name: string, flags: readonly string[]][] = [
  ['AVX2', ['avx2']],
  ['AVX512', ['avx512f']],
  ['AVX512_VNNI', ['avx512_vnni']],
  ['AVX512_BF16', ['avx512_bf16']],
  ['AVX_VNNI', ['avx_vnni']],
  ['AMX_INT8', ['amx_int8']],
  ['NEON', ['asimd', 'neon']],
  ['DOTPROD', ['asimddp']],
  ['MATMUL_INT8', ['i8mm']],
  ['SVE', ['sve']],
]

export const featureNames: readonly string[] = features.map(([name]) => name)

export function platform(): DoctorReport['platform'] {
  return {
    os: process.platform,
    arch: process.arch,
    release: asked(() => os.release(), 'unknown'),
    node: process.versions.node,
    libc: libcText(),
  }
}

/** With its version, where Node knows it. */
function libcText(): string | null {
  const name = libc()
  const { report } = process
  if (name !== 'glibc' || report === undefined) return name ?? null
  // Else it may wait for names of hosts. Node 20's types do not know it.
  Object.assign(report, { excludeNetwork: true })
  const told = asked(() => report.getReport(), {})
  const { header } = told as { header?: { glibcVersionRuntime?: string } }
  return ['glibc', header?.glibcVersionRuntime ?? ''].join(' ').trim()
}

/** Those of `featureNames` that the processor has; null where the system does not say. */
export function processorFeatures(cpuinfo = readText('/proc/cpuinfo')): string[] | null {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo ?? '')
  if (line === null) return null
  const flags = new Set((line[1] ?? '').trim().split(/\s+/))
  return features.filter(([, names]) => names.some((one) => flags.has(one))).map(([name]) => name)
}

/** Hardware that a build for the CPU alone leaves idle: the backend that would use it. */
export function idleHardware(exists: (path: string) => boolean = fs.existsSync) {
  if (exists('/proc/driver/nvidia/version')) return { name: 'an NVIDIA GPU', backend: 'cuda' }
  if (exists('/dev/dri/renderD128')) return { name: 'a GPU', backend: 'vulkan' }
  return null
}

function readText(path: string): string | null {
  try {
    return fs.readFileSync(path, 'utf8')
  } catch {
    return null // another system
  }
}
