import fs from 'node:fs'
import { licensesOf } from './licenses.mjs'
import { inRoot, root } from './root.mjs'

/** Browsers of 2023 and later. */
const target = ['chrome111', 'firefox121', 'safari16.4']

/**
 * Makes dist/page/index.html of src/page: one file with its style and its script, which loads
 * nothing. The server makes the hashes of its policy from that file (src/http/page.ts).
 */
export async function bundlePage() {
  const { build } = await import('esbuild')
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ['src/page/main.ts', 'src/page/style.css'],
    outdir: 'dist/page',
    bundle: true,
    minify: true,
    format: 'iife',
    platform: 'browser',
    target,
    charset: 'utf8',
    tsconfig: 'src/page/tsconfig.json',
    metafile: true,
    write: false,
    legalComments: 'none', // LICENSES.txt has them
    logLevel: 'warning',
  })
  /** @param {string} ending */
  const textOf = (ending) => {
    const file = outputFiles.find(({ path }) => path.endsWith(ending))
    if (file === undefined) throw new Error(`esbuild made no ${ending} of the page`)
    return file.text.trim()
  }
  const html = fs.readFileSync(inRoot('src/page/index.html'), 'utf8')
  const whole = html
    .replace('<!-- style -->', () => `<style>${textOf('.css')}</style>`)
    .replace('<!-- script -->', () => `<script>${textOf('.js')}</script>`)
  fs.mkdirSync(inRoot('dist/page'), { recursive: true })
  fs.writeFileSync(inRoot('dist/page/index.html'), whole)
  fs.writeFileSync(inRoot('dist/page/LICENSES.txt'), licensesOf(Object.keys(metafile.inputs)))
}
