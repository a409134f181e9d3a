/** Where a model is, what it takes there, and what a load would come to. All sizes are bytes. */

import type { EmbeddingInfo } from './embedding-types.js'

/** A device as ggml names it. Its memory is what it said before a load; 0 where it says nothing. */
export interface DeviceInfo {
  /** For example "CUDA0", "Vulkan1" or "CPU". */
  readonly name: string
  /** For example "NVIDIA H100 80GB HBM3". */
  readonly description: string
  /** "cpu", "cuda", "vulkan", "metal", "rpc" of a worker, or another in small letters. */
  readonly backend: string
  /** The memory of an `integrated` device is the system's own. */
  readonly kind: 'cpu' | 'gpu' | 'integrated' | 'accelerator'
  readonly totalBytes: number
  readonly freeBytes: number
  /** Why it cannot be used; left out where it can. */
  readonly fault?: string
}

/** Bytes, as llama.cpp counts its buffers. */
export interface MemoryUse {
  readonly weightsBytes: number
  readonly kvBytes: number
  /** Of the buffers that a call computes in. */
  readonly computeBytes: number
}

/** Where the weights and the KV cache of a model (and of its draft model) are. */
export interface Placement {
  /** The backend that computes; false where the CPU computes alone. */
  readonly gpu: string | false
  /** Layers on devices, of `layers`. The output counts as one. */
  readonly gpuLayers: number
  readonly layers: number
  /** The GPUs that hold a part; none where the CPU computes alone. */
  readonly devices: readonly (DeviceInfo & MemoryUse)[]
  /** The system's memory. Weights in it are mapped from the file, and shared by engines. */
  readonly host: MemoryUse
}

/**
 * What a load told that did not stop it, and the engine afterwards:
 *
 * - `WARN_GPU_MISSING`: `gpuLayers`, `mainGpu` or `tensorSplit` is set, and no GPU is there
 * - `WARN_GPU_FAILED`: a GPU is there and could not be used, or failed while loading
 * - `WARN_GPU_PARTIAL`: some layers did not fit into its memory, the CPU computes them
 * - `WARN_GPU_MEMORY`: no layer fits, or what `gpuLayers` asks for may not
 * - `WARN_CONTEXT_REDUCED`: the context is shorter than usual, so that all layers fit
 * - `WARN_CONTEXT_BEYOND_TRAINED`: the context is longer than the model was trained on, and its
 *   file does not scale positions that far: what it says beyond may make no sense
 * - `WARN_CHAT_TEMPLATE`: the chat template cannot be read (its line and the reason are named), or
 *   cannot put a plain conversation into words; `complete()` works all the same
 * - `WARN_SMALL_STACK`: the system gave threads less stack than was asked for, so long words and
 *   deeply nested replies have lower limits
 * - `WARN_TRUSTED_NETWORK`: there are workers (`rpc`), and what they do knows neither keys nor
 *   encryption
 * - `WARN_CACHE_DIR`: computed states could not be written to `cacheDir` or read from it, or one
 *   was damaged; told while the engine runs, and of one kind once a minute at most
 */
export interface LoadWarning {
  readonly code: LoadWarningCode
  readonly message: string
}

export type LoadWarningCode =
  | 'WARN_GPU_MISSING'
  | 'WARN_GPU_FAILED'
  | 'WARN_GPU_PARTIAL'
  | 'WARN_GPU_MEMORY'
  | 'WARN_CONTEXT_REDUCED'
  | 'WARN_CONTEXT_BEYOND_TRAINED'
  | 'WARN_CHAT_TEMPLATE'
  | 'WARN_SMALL_STACK'
  | 'WARN_TRUSTED_NETWORK'
  | 'WARN_CACHE_DIR'

/** What `load` would come to with the same options, on this machine as it is now. */
export interface Estimate {
  /** What the file says of itself. */
  readonly model: {
    readonly name: string
    readonly description: string
    readonly parameters: number
    /** Of all weights. */
    readonly bytes: number
    readonly trainedContext: number
    /** These four as in ModelInfo; false of a model that the engine would embed with. */
    readonly hasChatTemplate: boolean
    readonly canInfill: boolean
    readonly canCallTools: boolean
    readonly canThink: boolean
    /** Of a model that the engine would embed with. */
    readonly embedding?: EmbeddingInfo
  }
  readonly parallel: number
  /** Tokens per sequence. */
  readonly context: number
  readonly kvType: string
  readonly placement: Placement
  /** All together, of devices and of the system's memory. */
  readonly totalBytes: number
  /** Of the system's memory, now, less what the other engines of this process may still take. */
  readonly freeBytes: number
  /**
   * Whether everything fits into what is free, the weights too. Where only the weights do not, a
   * load works and reads them from disk again and again.
   */
  readonly fits: boolean
  readonly warnings: readonly LoadWarning[]
}
