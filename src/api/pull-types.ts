/** What `pull` takes, tells and gives. */

export interface PullOptions {
  /**
   * Called with each phase, and some ten times a second while bytes arrive. What it throws becomes
   * a process warning, once (SLUICE_CALLBACK); `signal` is what abandons a pull.
   */
  onProgress?: (progress: PullProgress) => void
  /** Abandons the pull: it rejects with ERR_CANCELLED, and the next one goes on from there. */
  signal?: AbortSignal
}

/**
 * How far a pull is:
 *
 * - `found`: the model's files are known, and how much of them is missing
 * - `downloading`: bytes arrive
 * - `checking`: bytes that an earlier pull left are read again, for their checksum
 * - `waiting`: nothing arrives for a time, and `reason` says why
 * - `note`: something that a user should know, which changes nothing
 */
export type PullProgress =
  | {
      readonly phase: 'found'
      /** `hf:OWNER/REPO:QUANT`, whole. */
      readonly name: string
      /** Of all files of the model. */
      readonly totalBytes: number
      /** Of them, what is to be downloaded. */
      readonly missingBytes: number
    }
  | {
      readonly phase: 'downloading'
      /** Path in the repository. */
      readonly file: string
      /** Of all files, with what was there before. */
      readonly bytes: number
      readonly totalBytes: number
      /** Of the last seconds. */
      readonly bytesPerSecond: number
      /** At that rate; null while there is none. */
      readonly secondsLeft: number | null
    }
  | { readonly phase: 'checking'; readonly file: string; readonly bytes: number }
  | {
      readonly phase: 'waiting'
      /**
       * `rate-limit`: the Hub asks for it. `retry`: a request failed. `lock`: another process
       * downloads the same file.
       */
      readonly reason: 'rate-limit' | 'retry' | 'lock'
      /** Milliseconds; null where it is not known. */
      readonly ms: number | null
      readonly message: string
    }
  | { readonly phase: 'note'; readonly message: string }

export interface PullResult {
  /** `hf:OWNER/REPO:QUANT`, whole. */
  readonly name: string
  /** What `load({ model })` takes: the first file of a split model. */
  readonly path: string
  /** All files of the model, in order. */
  readonly files: readonly string[]
  /** Of all files. */
  readonly bytes: number
  /** What came over the network; 0 where all was there. */
  readonly downloadedBytes: number
  /** The commit of the repository. */
  readonly revision: string
  /** What a user should know, such as files of the repository that Sluice has no use for. */
  readonly notes: readonly string[]
}
