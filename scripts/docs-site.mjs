// `npm run docs:site`: the documentation as a static site, in site/.vitepress/dist. TypeDoc writes
// the reference from the types, VitePress makes pages of README.md and docs/. With --dev: a server
// that shows changes as they are made. SITE_BASE is the path under which it will be served.

import { installDependencies } from './support/dependencies.mjs'
import { inRoot } from './support/root.mjs'
import { npm } from './support/run.mjs'

const folder = inRoot('site')
await installDependencies(folder)
const script = process.argv.includes('--dev') ? 'dev' : 'build'
const { status } = await npm(['run', script], { cwd: folder })
process.exitCode = status ?? 1
