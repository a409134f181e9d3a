import path from 'node:path'
import { run } from '../../scripts/support/run.mjs'
import { Stop } from '../../scripts/support/stop.mjs'

/**
 * Runs a script of this folder in a new process, with a job as JSON in its first argument.
 * @param first the first key of what it writes to stdout, as JSON
 */
export async function runChild<Outcome>(
  script: string,
  job: object,
  first: keyof Outcome & string,
  deadlineMs: number,
): Promise<Outcome> {
  const args = [path.join(import.meta.dirname, script), JSON.stringify(job)]
  const { status, output } = await run(process.execPath, args, { quiet: true, timeout: deadlineMs })
  const json = new RegExp(`\\{"${first}".*\\}`).exec(output)
  if (status === 0 && json) return JSON.parse(json[0])
  throw new Stop(`${script} failed:\n${output.slice(-2000)}`)
}
