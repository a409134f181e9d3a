// For a program under test: SIGUSR2 has it collect all garbage of JavaScript.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')
process.on('SIGUSR2', () => {
  collect()
  collect() // what the first one has found to be done with
})
