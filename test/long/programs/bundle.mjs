// bundle.mjs TOOL FOLDER ENTRY OUTFILE: bundles as docs/bundlers.md says, with a bundler that is
// installed in FOLDER.
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const [tool, folder, input, outfile] = process.argv.slice(2)
const dir = path.dirname(outfile)
const filename = path.basename(outfile)
const { resolve } = createRequire(path.join(folder, 'package.json'))
const from = (name) => import(pathToFileURL(resolve(name)).href)

const tools = {
  async rollup() {
    const { rollup } = await from('rollup')
    const bundle = await rollup({ input, external: [/^sluice(\/|$)/, /^node:/] })
    await bundle.write({ file: outfile, format: 'es' })
  },
  async vite() {
    const { build } = await from('vite')
    await build({
      configFile: false,
      logLevel: 'error',
      ssr: { external: ['sluice'] },
      build: { ssr: input, outDir: dir, rollupOptions: { output: { entryFileNames: filename } } },
    })
  },
  'webpack-module': () =>
    webpack({
      externals: { sluice: 'module sluice', 'sluice/http': 'module sluice/http' },
      experiments: { outputModule: true },
      output: { path: dir, filename, module: true },
    }),
  'webpack-commonjs': () =>
    webpack({
      externals: { sluice: 'commonjs sluice', 'sluice/http': 'commonjs sluice/http' },
      output: { path: dir, filename },
    }),
}

async function webpack(options) {
  const { default: start } = await from('webpack')
  const common = { target: 'node', mode: 'production', entry: input }
  await new Promise((done, failed) => {
    start({ ...common, ...options }, (error, stats) => {
      const wrong = error ?? (stats.hasErrors() ? new Error(stats.toString()) : undefined)
      if (wrong) failed(wrong)
      else done(undefined)
    })
  })
}

await tools[tool]()
