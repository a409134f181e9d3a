/**
 * What a run took of the processors, in ms, with all threads of this process: on a machine that is
 * busy with others the time on the wall tells nothing.
 */
export async function cpuMsOf(run: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}
