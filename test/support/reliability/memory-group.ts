import fs from 'node:fs'
import path from 'node:path'

/** Where groups of memory are: version 1 of cgroups has a tree of its own for it. */
const roots = [
  { root: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes' },
  { root: '/sys/fs/cgroup', limit: 'memory.max' },
] as const

/** A cgroup whose processes have so much memory together. Owned by the test that made it. */
export class MemoryGroup {
  readonly #folder: string
  readonly #limit: string

  private constructor(folder: string, limit: string) {
    this.#folder = folder
    this.#limit = limit
  }

  /** Undefined where there are no cgroups of memory, or they are not this user's to make. */
  static make(): MemoryGroup | undefined {
    for (const { root, limit } of roots) {
      const folder = path.join(root, `sluice-test-${process.pid}-${Date.now()}`)
      try {
        fs.mkdirSync(folder)
      } catch {
        continue // another version, or not as this user
      }
      const group = new MemoryGroup(folder, limit)
      if (fs.existsSync(path.join(folder, limit))) return group
      group.end()
    }
    return undefined
  }

  /** What the process gets from now on counts. */
  add(pid: number): void {
    fs.writeFileSync(path.join(this.#folder, 'cgroup.procs'), `${pid}`)
  }

  limit(mib: number): void {
    fs.writeFileSync(path.join(this.#folder, this.#limit), `${mib * 2 ** 20}`)
  }

  /** Its processes have ended. */
  end(): void {
    try {
      fs.rmdirSync(this.#folder)
    } catch {
      return // one of them is still ending: an empty group takes nothing
    }
  }
}
