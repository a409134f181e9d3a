// `npm start`: prepares this checkout and serves the embedded model. Arguments after `--` go to
// `sluice serve`. The server runs in this process, so that signals reach it directly.

import { pathToFileURL } from 'node:url'
import { prepare } from './prepare.mjs'
import { inRoot } from './support/root.mjs'
import { runMain } from './support/stop.mjs'

await runMain(async () => {
  await prepare()
  if (process.env.npm_lifecycle_event === 'start') endWithParent()
  const cli = inRoot('dist/cli/main.cjs')
  process.argv = [process.execPath, cli, 'serve', ...process.argv.slice(2)]
  await import(pathToFileURL(cli).href)
})

/** npm hands a SIGTERM to the shell between us, which dies of it without passing it on. */
function endWithParent() {
  const parent = process.ppid
  const look = () => {
    if (process.ppid === parent) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }
  const timer = setInterval(look, 500).unref()
}
