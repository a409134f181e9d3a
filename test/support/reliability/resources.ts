import fs from 'node:fs'

/** What a process has, as Linux tells it. */
export interface Resources {
  /** VmRSS: resident, pages of mapped files among it. */
  readonly residentBytes: number
  /** RssAnon: of that, what the process itself has made. */
  readonly anonymousBytes: number
  readonly descriptors: number
  readonly threads: number
}

export function resourcesOf(pid: number): Resources {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1])
  return {
    residentBytes: field('VmRSS') * 1024,
    anonymousBytes: field('RssAnon') * 1024,
    descriptors: fs.readdirSync(`/proc/${pid}/fd`).length,
    threads: field('Threads'),
  }
}

/** Seconds of processor time that a process has had, of all its threads. */
export function processorSeconds(pid: number): number {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}
