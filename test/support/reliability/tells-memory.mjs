// For a program under test: SIGUSR2 has it collect all garbage of JavaScript, and a second later
// write what it holds to a file of the folder for temporary files, read by held.ts.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const addon = '../../../build/Release/malloc-use/sluice-malloc-use.node'
// Where glibc is older than 2.33 it is not known.
const mallocUse = existsSync(new URL(addon, import.meta.url))
  ? createRequire(import.meta.url)(addon)
  : { bytesInUse: () => null }
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')
const file = join(tmpdir(), `sluice-memory-${process.pid}`)
process.on('SIGUSR2', () => {
  collect()
  collect() // what the first one has found to be done with
  setTimeout(tell, 1000) // V8 gives pages back to the system later
})

function tell() {
  const heap = getHeapStatistics()
  const held = {
    bytes: anonymousBytes() - heap.total_physical_size + heap.used_heap_size,
    heapBytes: heap.used_heap_size,
    mallocBytes: mallocUse.bytesInUse(),
  }
  writeFileSync(`${file}.new`, JSON.stringify(held))
  renameSync(`${file}.new`, file)
}

function anonymousBytes() {
  return Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024
}
