// `npm start`: prepares this checkout and serves the embedded model. Arguments after `--` go to
// `sluice serve`. The server runs in this process, so that signals reach it directly.

import { pathToFileURL } from 'node:url'
import { prepare } from './prepare.mjs'
import { inRoot } from './support/root.mjs'
import { runMain } from './support/stop.mjs'

await runMain(async () => {
  await prepare()
  const cli = inRoot('dist/cli/main.js')
  process.argv = [process.execPath, cli, 'serve', ...process.argv.slice(2)]
  await import(pathToFileURL(cli).href)
})
