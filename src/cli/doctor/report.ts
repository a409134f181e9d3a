import type { DeviceInfo, Estimate } from '../../api/placement-types.js'

/** What `sluice doctor --json` prints. Fields may be added; those here keep their meaning. */
export interface DoctorReport {
  /** Of this shape. */
  readonly format: 1
  readonly sluice: string
  /** llama.cpp's release; null without a binary. */
  readonly llamaCpp: string | null
  readonly platform: {
    /** Node's: "linux", "darwin", "win32". */
    readonly os: string
    readonly arch: string
    /** Of the system's kernel. */
    readonly release: string
    readonly node: string
    /** "glibc 2.36" or "musl"; null elsewhere than on Linux. */
    readonly libc: string | null
  }
  readonly cpu: {
    readonly model: string
    /** That this process may use. */
    readonly cores: number
    /** What it has of what matters for speed; null where the system does not say. */
    readonly features: readonly string[] | null
    /** What the binary was built to use; null without a binary. */
    readonly used: readonly string[] | null
    /** Of a package's CPU libraries the one chosen: "haswell". Null where it is linked in. */
    readonly variant: string | null
  }
  /** Bytes. */
  readonly memory: { readonly totalBytes: number; readonly freeBytes: number }
  readonly backends: readonly BackendReport[]
  readonly devices: readonly DeviceInfo[]
  /** Of the model that was named; null where none was, or where it cannot be loaded. */
  readonly model: (Estimate & { readonly path: string }) | null
  readonly problems: readonly Problem[]
}

export interface BackendReport {
  readonly name: string
  readonly loaded: boolean
  /** Of its library; null where it is linked in or not here. */
  readonly path: string | null
  /** The processors that a CPU backend is made for: "haswell"; null elsewhere. */
  readonly variant: string | null
  /** Why it is not here, or of no use; null else. */
  readonly reason: string | null
}

export interface Problem {
  /** `error`: sluice, or the model, does not work; the command then ends with 1. */
  readonly level: 'error' | 'warning'
  readonly what: string
  readonly fix: string
}
