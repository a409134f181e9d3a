import fs from 'node:fs'
import { licensesOf } from './licenses.mjs'
import { inRoot, root } from './root.mjs'

const target = 'node20.19'

/**
 * Makes dist/cli/main.cjs and what it requires a few files: to find, read and link some 300 takes
 * Node longer than loading a small model. CommonJS, because Node starts 10 to 15 ms sooner without
 * its loader of ES modules. What programs import stays as it is; the ES modules of dist/cli stay
 * for tests, and nothing that runs imports them.
 */
export async function bundleCli() {
  const { build } = await import('esbuild')
  // esbuild can split ES modules only, so each file is turned into CommonJS once it is made.
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['dist/cli/main.js'],
    outdir: 'dist/cli',
    // In the same folder: our modules know their package by the folder that they are in.
    chunkNames: 'bundled-[name]-[hash]',
    outExtension: { '.js': '.cjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target,
    external: ['pino'], // only --log-format json wants it
    metafile: true,
    write: false,
    logLevel: 'warning',
  })
  for (const { path, text } of outputFiles) fs.writeFileSync(path, await asCommonJs(text))
  fs.writeFileSync(inRoot('dist/cli/LICENSES.txt'), licensesOf(Object.keys(metafile.inputs)))
}

/** Makes each program of a process of its own one file: an engine's starts each time it does. */
export async function bundleChildren() {
  for (const folder of ['isolation', 'workers']) await bundleChild(`dist/${folder}/child`)
}

/** @param {string} program */
async function bundleChild(program) {
  const { build } = await import('esbuild')
  await build({
    absWorkingDir: root,
    entryPoints: [`${program}.js`],
    outfile: `${program}.cjs`,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target,
    logLevel: 'warning',
  })
}

/** @param {string} module */
async function asCommonJs(module) {
  const { transform } = await import('esbuild')
  const { code } = await transform(module, {
    format: 'cjs',
    platform: 'node',
    target,
    supported: { 'dynamic-import': false }, // import() would start the loader of ES modules
    define: { 'import.meta.url': 'urlOfModule' },
    // ES modules are strict, which CommonJS must be told.
    banner: "'use strict'; const urlOfModule = require('node:url').pathToFileURL(__filename).href",
  })
  return code
}
