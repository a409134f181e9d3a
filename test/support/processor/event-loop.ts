import fs from 'node:fs'

/**
 * How long the event loop was held while something ran: of each of its turns the processor time of
 * JavaScript's thread, in ms. What others do on a busy machine counts for nothing. Linux only.
 */
export async function turnsOf(run: () => Promise<unknown>): Promise<number[]> {
  const clock = fs.openSync(`/proc/self/task/${process.pid}/schedstat`, 'r')
  const turns: number[] = []
  let isRunning = true
  let since = cpuMs(clock)
  const turn = () => {
    const now = cpuMs(clock)
    turns.push(now - since) // a turn of nothing takes some 0.01
    since = now
    if (isRunning) setImmediate(turn)
    else fs.closeSync(clock)
  }
  setImmediate(turn)
  try {
    await run()
    return turns
  } finally {
    isRunning = false
  }
}

const text = Buffer.alloc(64)

function cpuMs(clock: number): number {
  process.cpuUsage() // has the kernel add up what runs right now
  const length = fs.readSync(clock, text, 0, text.length, 0)
  return Number(text.toString('latin1', 0, length).split(' ')[0]) / 1e6
}
