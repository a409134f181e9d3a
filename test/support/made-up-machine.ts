import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { DoctorReport } from '../../src/cli/doctor/report.js'
import type { EngineSettings, Estimate, LoadOptions, Placement, Usage } from '../../src/index.js'

const script = fileURLToPath(new URL('children/on-devices.mjs', import.meta.url))

/** One engine on the machine; see children/on-devices.mjs. */
export interface Job {
  options: LoadOptions
  prompt?: string
  embed?: string[]
  /** Cancels the reply while its prompt is computed. */
  cancelsPrefill?: boolean
  /** Instead of an engine, what doctor finds. */
  doctor?: boolean
}

/** What came of it: with `code` and `message` where the load failed. */
export interface Outcome {
  settings: EngineSettings
  placement: Placement
  /** Codes of warnings. */
  told: string[]
  /** The estimate before the load. */
  expected: Estimate
  text?: string
  vectors?: number[][]
  cancelled?: { finishReason: string; usage: Usage; callsAfter: number; rows: number }
  report?: DoctorReport
  code?: string
  message?: string
}

/** As onMachine(), but all engines load at once, and so much of the system's memory is free. */
export async function atOnceOnMachine(
  devices: string,
  jobs: Job[],
  freeBytes: number,
): Promise<Outcome[]> {
  return outcomesOf(devices, jobs, [String(freeBytes)])
}

/**
 * Runs the real engine in a process whose machine has these GPUs, as
 * native/llama/test/devices/made-up-devices.cpp reads them. All engines of the jobs stay open until
 * the last has answered.
 */
export async function onMachine(devices: string, jobs: Job[]): Promise<Outcome[]> {
  return outcomesOf(devices, jobs)
}

async function outcomesOf(devices: string, jobs: Job[], more: string[] = []): Promise<Outcome[]> {
  const env = { ...process.env, SLUICE_TEST_DEVICES: devices }
  const args = [script, JSON.stringify(jobs), ...more]
  const child = spawn(process.execPath, args, { env, timeout: 200_000 })
  const ended = new Promise((resolve) => child.once('close', (...how) => resolve(how)))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  const how = await ended
  const lines = stdout.split('\n').filter((line) => line !== '')
  if (stderr !== '' || lines.length !== jobs.length) {
    throw new Error(`the child ended with ${JSON.stringify(how)}: ${stdout}${stderr}`)
  }
  return lines.map((line) => JSON.parse(line) as Outcome)
}

export async function onOneMachine(devices: string, job: Job): Promise<Outcome> {
  const [outcome] = await onMachine(devices, [job])
  return outcome as Outcome
}
