// bundle.mjs TOOL ENTRY OUTFILE [inside]: bundles as docs/bundlers.md says; with `inside` as it
// says not to, so that the package becomes a part of the bundle.
import path from 'node:path'

const [tool, input, outfile, inside] = process.argv.slice(2)
const dir = path.dirname(outfile)
const filename = path.basename(outfile)

const tools = {
  async rollup() {
    const { rollup } = await import('rollup')
    const bundle = await rollup({ input, external: [/^sluice(\/|$)/, /^node:/] })
    await bundle.write({ file: outfile, format: 'es' })
  },
  async vite() {
    const { build } = await import('vite')
    const output = { entryFileNames: filename }
    await build({
      configFile: false,
      logLevel: 'error',
      ssr: inside ? { noExternal: ['sluice'] } : { external: ['sluice'] },
      build: { ssr: input, outDir: dir, emptyOutDir: false, rolldownOptions: { output } },
    })
  },
  'webpack-module': () =>
    webpack({
      externals: inside ? [] : [/^sluice(\/|$)/],
      externalsType: 'module',
      experiments: { outputModule: true },
      output: { path: dir, filename, module: true },
    }),
  'webpack-commonjs': () =>
    webpack({
      externals: inside ? [] : [/^sluice(\/|$)/],
      externalsType: 'commonjs',
      output: { path: dir, filename },
    }),
}

async function webpack(options) {
  const { default: start } = await import('webpack')
  const mode = inside ? 'none' : 'production' // minified it is much, in some seconds
  const common = { target: 'node', mode, entry: input }
  await new Promise((done, failed) => {
    start({ ...common, ...options }, (error, stats) => {
      const wrong = error ?? (stats.hasErrors() ? new Error(stats.toString()) : undefined)
      if (wrong) failed(wrong)
      else done(undefined)
    })
  })
}

await tools[tool]()
