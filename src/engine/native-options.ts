import path from 'node:path'
import { BinaryMissingError } from '../api/errors.js'
import { isError } from '../api/realms.js'
import type { LoadOptions } from '../api/types.js'
import { binding } from '../binding/binding.js'
import { BundledError } from '../binding/bundled-error.js'
import type { NativeEngineOptions } from '../binding/engine-port.js'
import { missingAdvice } from '../binding/missing-advice.js'
import type { NativeAddon } from '../binding/native.js'
import { platformName } from '../binding/platform.js'
import type { SettledLoadOptions } from '../options/engine-options.js'
import { coresMax, freeBytes } from './machine.js'

const mebibyte = 2 ** 20
const gibibyte = 2 ** 30

/** @throws BinaryMissingError */
export function loadBinding(): NativeAddon {
  try {
    return binding()
  } catch (cause) {
    if (cause instanceof BundledError) throw new BinaryMissingError(cause.message, { cause })
    const looked = isError(cause) ? cause.message : String(cause)
    throw new BinaryMissingError(
      `there is no native binary for ${platformName()} that loads here; ` +
        `${missingAdvice()}. Tried:\n${looked}`,
      { cause },
    )
  }
}

/** What the engine is made with, complete; what depends on the other engines it settles itself. */
export function nativeOptions(
  settled: SettledLoadOptions,
  addon: NativeAddon,
): NativeEngineOptions {
  return {
    model: path.resolve(settled.model),
    estimatesOnly: false,
    parallel: settled.parallel,
    context: settled.context ?? 0,
    freeBytes: freeBytes(addon),
    kvCells: settled.kvCells ?? 0,
    cacheBytes: settled.cacheMiB === undefined ? -1 : settled.cacheMiB * mebibyte,
    cacheDir: settled.cacheDir === undefined ? '' : path.resolve(settled.cacheDir),
    cacheDiskBytes: settled.cacheDiskGiB * gibibyte,
    kvType: settled.kvType,
    flashAttention: flashAttention(settled.flashAttention),
    threads: settled.threads ?? 0,
    coresMax: coresMax(),
    poll: settled.poll,
    priority: settled.priority,
    gpu: settled.gpu === false ? 'off' : settled.gpu,
    gpuLayers: settled.gpuLayers,
    splitMode: settled.splitMode ?? 'auto',
    mainGpu: settled.mainGpu ?? -1,
    tensorSplit: [...(settled.tensorSplit ?? [])],
    workers: [], // by numbers, once they are found: each time that the engine's process starts
    chatTemplate: settled.chatTemplate ?? '',
    toolsFallback: settled.toolsFallback,
    draft: settled.draft === undefined ? '' : path.resolve(settled.draft),
    adapters: settled.lora.map(({ file }) => path.resolve(file)),
    lookup: settled.lookup,
    mtp: settled.mtp,
    draftMax: settled.draftMax ?? 0,
    embeddings: embeddingUse(settled.embeddings),
    window: settled.window,
    queueDeadlineMs: settled.queueDeadlineMs,
  }
}

function flashAttention(asked: LoadOptions['flashAttention']) {
  if (typeof asked !== 'boolean') return 'auto'
  return asked ? 'on' : 'off'
}

function embeddingUse(asked: boolean | undefined): NativeEngineOptions['embeddings'] {
  if (asked === undefined) return 'automatic'
  return asked ? 'always' : 'never'
}
