// For a program under test: SIGUSR2 has it collect all garbage of JavaScript, and a second later
// write what it holds to a file of the folder for temporary files, read by held.ts.
import { renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')
const file = join(tmpdir(), `sluice-memory-${process.pid}`)
process.on('SIGUSR2', () => {
  collect()
  collect() // what the first one has found to be done with
  setTimeout(tell, 1000) // V8 gives pages back to the system later
})

function tell() {
  const { rss, heapTotal, heapUsed, external } = process.memoryUsage()
  const held = { bytes: rss - heapTotal + heapUsed, heapBytes: heapUsed, externalBytes: external }
  writeFileSync(`${file}.new`, JSON.stringify(held))
  renameSync(`${file}.new`, file)
}
