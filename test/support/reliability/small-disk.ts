import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** A file system of a few KiB in memory. Owned by the test that made it: end() takes it away. */
export class SmallDisk {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  /** Undefined where this process may not mount one. */
  static make(kib: number): SmallDisk | undefined {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-disk-'))
    const options = ['-t', 'tmpfs', '-o', `size=${kib}k`, 'tmpfs', folder]
    if (spawnSync('mount', options).status === 0) return new SmallDisk(folder)
    fs.rmdirSync(folder)
    return undefined
  }

  /** Leaves so much of it free, by a file that is not the test's; or none, as others write too. */
  fill(leftKib = 0): void {
    const { bavail, bsize } = fs.statfsSync(this.folder)
    const bytes = Math.max(0, bavail * bsize - leftKib * 1024)
    try {
      fs.writeFileSync(path.join(this.folder, 'filler'), Buffer.alloc(bytes))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }

  free(): void {
    fs.rmSync(path.join(this.folder, 'filler'), { force: true })
  }

  end(): void {
    // Lazily: a process that a failed test left may have files open.
    spawnSync('umount', ['-l', this.folder])
    fs.rmdirSync(this.folder)
  }
}

/** Whether disks can be made here. Linux, as root. */
export function canMount(): boolean {
  if (process.platform !== 'linux') return false
  const disk = SmallDisk.make(64)
  disk?.end()
  return disk !== undefined
}
