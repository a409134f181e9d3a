import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { Stop } from '../../scripts/support/stop.mjs'
import type { BenchOptions } from '../cases/bench-case.js'
import { inRoot } from '../paths.js'
import type { Row } from './row.js'

/** The JSON file: the last figures of each case, and where they come from. */
export interface Results {
  machine: { processor: string; cores: number; memoryGiB: number; system: string; node: string }
  /** Of llama.cpp, the pinned release. */
  llama: string
  cases: Record<string, CaseResult>
}

export interface Measured {
  rows: Row[]
  /** The share of the machine, 0 to 1, that other processes took meanwhile. */
  others: number
}

export interface CaseResult extends Measured {
  date: string
  /** Sluice's commit, with a + if the checkout differed from it. */
  commit: string
  options: BenchOptions
}

/** @throws Stop when nothing was measured yet */
export function readResults(file: string): Results {
  if (!fs.existsSync(file)) throw new Stop(`There are no figures in ${file}: run the bench first.`)
  return JSON.parse(fs.readFileSync(file, 'utf8'))
}

/** Puts a case's rows into the file, in place of those that it had before. */
export function addResults(file: string, measured: Measured, options: BenchOptions): void {
  const name = measured.rows[0]?.case
  if (!name) return
  const before = fs.existsSync(file) ? readResults(file).cases : {}
  const { quick, rounds, threads, fixesThreads, stock, kvType, model } = options
  const one = {
    date: new Date().toISOString(),
    commit: commit(),
    options: { quick, rounds, threads, fixesThreads, stock, kvType, model },
    ...measured,
  }
  const results: Results = {
    machine: machine(),
    llama: JSON.parse(fs.readFileSync(inRoot('deps/llama.lock.json'), 'utf8')).release,
    cases: { ...before, [name]: one },
  }
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`)
}

function machine(): Results['machine'] {
  return {
    processor: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.arch()}`,
    node: process.version,
  }
}

function commit(): string {
  // What scripts/gpu/pack.mjs packs is no repository, and says so here.
  const packed = inRoot('COMMIT')
  if (fs.existsSync(packed)) return fs.readFileSync(packed, 'utf8').trim()
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: inRoot(), encoding: 'utf8' }).trim()
  const changed = git('status', '--porcelain') === '' ? '' : '+'
  return git('rev-parse', '--short', 'HEAD') + changed
}
