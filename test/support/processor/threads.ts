import fs from 'node:fs'

/**
 * Whether all threads of this process but JavaScript's own wait for something. One that has work
 * and no processor, on a machine that is busy with others, does not. Linux only.
 */
export function othersWait(): boolean {
  const tasks = fs.readdirSync('/proc/self/task').filter((task) => task !== `${process.pid}`)
  return tasks.every((task) => {
    try {
      const stat = fs.readFileSync(`/proc/self/task/${task}/stat`, 'latin1')
      return stat.slice(stat.lastIndexOf(')') + 2).startsWith('S')
    } catch {
      return true // it has ended
    }
  })
}
