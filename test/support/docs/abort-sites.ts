import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** How many places of llama.cpp's source end the process, by what stands there. */
export interface AbortSites {
  readonly asserts: number
  readonly aborts: number
  readonly gpuChecks: number
}

/** In all files of a folder, or only in those that lie in it. */
export function abortSites(folder: string, recursive: boolean): AbortSites {
  const files = readdirSync(folder, { recursive, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(c|cpp|h|hpp|cu|cuh|m|metal)$/.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
  const text = files.map((file) => withoutDefinitions(readFileSync(file, 'utf8'))).join('\n')
  const count = (pattern: RegExp) => text.match(pattern)?.length ?? 0
  return {
    asserts: count(/\bGGML_ASSERT\s*\(/g),
    aborts: count(/\bGGML_ABORT\s*\(|\babort\s*\(\s*\)/g),
    gpuChecks: count(/\b(CUDA_CHECK|CUBLAS_CHECK|CU_CHECK|NCCL_CHECK)\s*\(/g),
  }
}

function withoutDefinitions(text: string): string {
  return text
    .replace(/\/\*.*?\*\/|\/\/[^\n]*/gs, '')
    .replace(/^[ \t]*#[ \t]*define[^\n]*(\\\n[^\n]*)*/gm, '')
}
