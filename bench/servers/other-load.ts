import fs from 'node:fs'

/** Ticks of the kernel's clock since the machine's start, over all cores. */
interface Ticks {
  all: number
  busy: number
  /** Of this process and its children, those that have ended included. */
  ours: number
}

/** From now on: the share of the machine, 0 to 1, that processes of others take. */
export function watchOthers(): () => number {
  const start = ticks()
  return () => {
    const end = ticks()
    const others = end.busy - start.busy - (end.ours - start.ours)
    return Math.max(0, others / (end.all - start.all))
  }
}

function ticks(): Ticks {
  const [line = ''] = fs.readFileSync('/proc/stat', 'latin1').split('\n')
  // user nice system idle iowait irq softirq steal
  const times = line.split(/\s+/).slice(1, 9).map(Number)
  const all = times.reduce((total, time) => total + time, 0)
  return { all, busy: all - (times[3] ?? 0) - (times[4] ?? 0), ours: ourTicks() }
}

function ourTicks(): number {
  const processes = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const ours = processes.map(statOf).filter((stat) => stat.id === process.pid || isChild(stat))
  return ours.reduce((total, { ticks }) => total + ticks, 0)
}

function isChild({ parent }: { parent: number }): boolean {
  return parent === process.pid
}

function statOf(id: string) {
  const fields = readStat(id)
    .replace(/^.*\) /s, '')
    .split(' ')
    .map(Number)
  // After the name: state, parent, ... and from the 12th on utime, stime, cutime, cstime.
  const ticks = fields.slice(11, 15).reduce((total, time) => total + time, 0)
  return { id: Number(id), parent: fields[1] ?? 0, ticks }
}

function readStat(id: string): string {
  try {
    return fs.readFileSync(`/proc/${id}/stat`, 'latin1')
  } catch (error) {
    if (error instanceof Error && 'code' in error) return '' // it has ended meanwhile
    throw error
  }
}
