/** Loads changed models in child processes, many in one, and counts how it ends. */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { encoderModel } from '../models/encoder-model.js'
import { kindModel, MODEL_KINDS } from '../models/model-kinds.js'
import { randomModel } from '../models/random-model.js'
import { nodeUnderTest, programs } from '../packages/package-under-test.js'
import { Dice, type FuzzFile, fuzzBytes, mutated, partsOf, readFuzzFile } from './gguf-fuzz.js'

const children = programs('test/lifecycle/children')

export interface FuzzedLoads {
  seed: number
  /** How many models were loaded. */
  loads: number
  /** By how they ended: answered, or an error's code. */
  outcomes: Map<string, number>
  /** Of the loads that ended the process or had no end. With the seed each can be made again. */
  deaths: { index: number; how: string }[]
}

/** One load may take so long, on a machine that is busy with others. */
const LOAD_MS = 60_000

export interface FuzzOptions {
  seed: number
  forMs: number
  /** It goes on until there were so many, however long they take. Default 0. */
  least?: number
}

/** Changes models of every kind at random, until the time is over. */
export async function fuzzLoads({ seed, forMs, least = 0 }: FuzzOptions): Promise<FuzzedLoads> {
  const models = baseModels().map(readFuzzFile)
  const result: FuzzedLoads = { seed, loads: 0, outcomes: new Map(), deaths: [] }
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-fuzz-'))
  const loader = new Loader()
  const end = Date.now() + forMs
  try {
    for (let index = 0; Date.now() < end || index < least; index++) {
      const how = await oneLoad(loader, folder, models, seed, index)
      result.loads++
      if (/^(E[A-Z_]+|answered)$/.test(how)) {
        result.outcomes.set(how, (result.outcomes.get(how) ?? 0) + 1)
      } else {
        result.deaths.push({ index, how })
      }
    }
  } finally {
    loader.end()
    rmSync(folder, { recursive: true, force: true })
  }
  return result
}

function baseModels(): string[] {
  return [
    path.resolve('models/storyteller.gguf'),
    ...MODEL_KINDS.map((kind) => kindModel(kind)),
    randomModel(),
    randomModel({ pooling: 1 }),
    encoderModel(),
  ]
}

async function oneLoad(
  loader: Loader,
  folder: string,
  models: FuzzFile[],
  seed: number,
  index: number,
): Promise<string> {
  const dice = new Dice(seed * 1_000_003 + index)
  const model = dice.of(models)
  const model_path = path.join(folder, 'model.gguf')
  const parts = dice.chance(15) ? partsOf(model, dice) : [mutated(model, dice)]
  const names = parts.map((_, i) =>
    parts.length === 1 ? model_path : path.join(folder, partName(i, parts.length)),
  )
  parts.forEach((part, i) => {
    writeFileSync(names[i] as string, fuzzBytes(part, dice))
  })
  const how = await loader.load({
    path: names[0] as string,
    usual: dice.chance(25),
    text: dice.chance(50),
  })
  for (const name of names) rmSync(name)
  return how
}

function partName(index: number, parts: number): string {
  const number = (value: number) => `${value}`.padStart(5, '0')
  return `model-${number(index + 1)}-of-${number(parts)}.gguf`
}

/** A child that loads one model after the other, and a new one when it has died. */
class Loader {
  #child: ChildProcess | undefined

  async load(task: { path: string; usual: boolean; text: boolean }): Promise<string> {
    const child = this.#child ?? (await this.#start())
    return new Promise((resolve) => {
      const onClose = (code: number | null, signal: NodeJS.Signals | null) => {
        this.#child = undefined
        clearTimeout(timer)
        resolve(`the process ended with ${signal ?? code}`)
      }
      const timer = setTimeout(() => {
        child.off('close', onClose)
        child.removeAllListeners('message')
        child.kill('SIGKILL')
        this.#child = undefined
        resolve(`no end within ${LOAD_MS} ms`)
      }, LOAD_MS)
      child.once('close', onClose)
      child.once('message', (how) => {
        child.off('close', onClose)
        clearTimeout(timer)
        resolve(String(how))
      })
      child.send(task)
    })
  }

  end(): void {
    this.#child?.kill()
    this.#child = undefined
  }

  async #start(): Promise<ChildProcess> {
    const child = fork(path.join(children, 'loads-models.mjs'), [], {
      execPath: nodeUnderTest,
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'], // an assertion's text would name no input
    })
    this.#child = child
    await new Promise((resolve) => child.once('message', resolve))
    return child
  }
}
