/**
 * The typed mirror of native/addon/exports.cpp: what crosses the border, and nothing else.
 * Above this file nothing knows that there is C++; tests put a scripted fake in its place.
 */

import type { EnginePort, NativeDevice, NativeEngineOptions } from './engine-port.js'

export interface NativeAddon {
  /** llama.cpp's release, for example "0.5.0". */
  readonly llamaCppVersion: string
  /** The version of ggml's RPC protocol: "7.0.0". */
  readonly rpcVersion: string
  /**
   * Loads ggml's backends, those in these folders as well. To be called before anything else; does
   * nothing the second time. Throws when there is none that this processor can use.
   */
  loadBackends(folders: string[]): void
  /** What may compute, whether it is here or not: a file each, where they are files. */
  backends(): NativeBackend[]
  /**
   * With `startsGpus` each GPU is started and asked for its memory, which takes some 100 ms for the
   * first one; without, none is touched.
   */
  devices(startsGpus: boolean): NativeDevice[]
  /** Of the processor, as ggml's CPU backend was built to use them: { AVX2: '1' }. */
  cpuFeatures(): Record<string, string>
  /** Throws where the system has no thread for it. */
  readonly Engine: new (
    options: NativeEngineOptions,
    wake: () => void,
  ) => EnginePort
  /** SO_SNDBUF of a socket's descriptor. Throws on failure. */
  setSendBuffer(fd: number, bytes: number): void
  /** TCP_USER_TIMEOUT of a socket's descriptor. Throws on failure, and where only Linux has it. */
  setUserTimeout(fd: number, ms: number): void
  /**
   * Sends one datagram to a Unix socket; a path that begins with @ is of Linux's abstract names.
   * Throws on failure, and on Windows.
   */
  sendDatagram(path: string, text: string): void
  /**
   * Takes the lock of a file, which is made where there is none. Returns what gives it back, or
   * null where another process or another call has it; the system gives back what a process
   * leaves. Throws where the file system has no locks.
   */
  lockFile(path: string): (() => void) | null
  /**
   * Serves this machine's devices to other machines. Nothing stops it but the end of the process,
   * and what a client says may end that. Rejects where it cannot serve.
   */
  serveDevices(options: NativeWorkerOptions): Promise<never>
}

export interface NativeWorkerOptions {
  /** An address of this machine, of IPv4. */
  host: string
  port: number
  /** Folder for weights that came, so that they need not come again; the empty string is none. */
  cacheDir: string
  /** Where the processor computes. */
  threads: number
  gpu: 'auto' | 'off' | 'cuda' | 'vulkan' | 'metal'
}

export interface NativeBackend {
  /** "cpu", "cuda", "vulkan", "metal" or another's. */
  name: string
  /** Of its library; empty where it is linked in, or not here. */
  path: string
  loaded: boolean
  /** Why it is not here, or of no use; else empty. */
  reason: string
  /** Of a CPU backend in a package: the processors that it is made for, for example "haswell". */
  variant?: string
}
