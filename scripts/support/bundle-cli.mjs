import fs from 'node:fs'
import { inRoot, root } from './root.mjs'

/**
 * Some packages that are bundled are CommonJS, and require() Node's own modules. Under a name of
 * its own, because modules of ours import createRequire too.
 */
const requireForCommonJs = [
  "import { createRequire as requireOf } from 'node:module'",
  'const require = requireOf(import.meta.url)',
].join('\n')

/**
 * Makes dist/cli/main.js and what it imports a few files: to find, read and link some 300 takes
 * Node longer than loading a small model. What programs import stays as it is; other modules of
 * dist/cli stay for tests, and nothing that runs imports them.
 */
export async function bundleCli() {
  const { build } = await import('esbuild')
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['dist/cli/main.js'],
    outdir: 'dist/cli',
    // In the same folder: our modules know their package by the folder that they are in.
    chunkNames: 'bundled-[name]-[hash]',
    allowOverwrite: true,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    external: ['pino'], // only --log-format json wants it
    banner: { js: requireForCommonJs },
    metafile: true,
    logLevel: 'warning',
  })
  fs.writeFileSync(inRoot('dist/cli/LICENSES.txt'), licensesOf(Object.keys(metafile.inputs)))
}

/**
 * The licenses of the packages that these files are from.
 * @param {string[]} files
 */
function licensesOf(files) {
  const folders = new Set(files.map((file) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0]))
  const texts = [...folders].flatMap((folder) => (folder === undefined ? [] : [licenseOf(folder)]))
  return texts.sort().join(`\n${'-'.repeat(80)}\n\n`)
}

/** @param {string} folder */
function licenseOf(folder) {
  const file = fs.readdirSync(inRoot(folder)).find((name) => /^licen[cs]e/i.test(name))
  if (file === undefined) throw new Error(`${folder} has no license, and cannot be bundled.`)
  const text = fs.readFileSync(inRoot(folder, file), 'utf8')
  return `${folder.replace(/^.*node_modules\//, '')}\n\n${text.trim()}\n`
}
