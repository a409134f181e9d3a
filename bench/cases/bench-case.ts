import type { Row } from '../report/row.js'
import type { ServerSettings } from '../servers/commands.js'
import { type ModelName, modelFile } from '../setup/models.js'

/** What the command line settled. */
export interface BenchOptions {
  quick: boolean
  rounds: number
  threads: number
  /** Whether --threads was given: Sluice tries by itself how many are best otherwise. */
  fixesThreads: boolean
  /** llama-server with its default flags. */
  stock: boolean
  kvType: 'f16' | 'q8_0'
  /** Only this one; each case has models of its own otherwise. */
  model: ModelName | undefined
}

export interface BenchCase {
  name: string
  about: string
  run(options: BenchOptions): Promise<Row[]>
}

/** The models of a case, unless the command line names one. */
export function modelsOf(options: BenchOptions, ...own: ModelName[]): ModelName[] {
  return options.model ? [options.model] : own
}

export function serverSettings(
  options: BenchOptions,
  model: ModelName,
  own: Pick<ServerSettings, 'parallel' | 'context' | 'llamaFlags' | 'queue'>,
): ServerSettings {
  const { threads, fixesThreads, stock, kvType } = options
  return { model: modelFile(model), threads, fixesThreads, stock, kvType, ...own }
}

/** Tokens of a context that holds so many, in the steps that llama.cpp rounds to. */
export function contextFor(tokens: number): number {
  return Math.ceil((tokens + 64) / 256) * 256
}
