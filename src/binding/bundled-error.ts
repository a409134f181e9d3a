/** A bundler put this code into another file, and left what it needs beside it behind. */
export class BundledError extends Error {
  constructor(where: string, maker = makerOfBundle()) {
    const what = maker === 'executable' ? 'one executable file' : 'a bundle'
    super(
      `sluice is part of ${what} (${where}), where its native binary is not; ` +
        `leave it out: ${advice[maker]}; others: docs/bundlers.md`,
    )
    this.name = 'BundledError'
  }
}

/** What made the bundle, as far as it can be told from inside. */
type Maker = keyof typeof advice

const each = "external: ['sluice', 'sluice/http', 'sluice/ai-sdk', 'sluice/langchain']"

const advice = {
  executable: 'ship a script and its node_modules, and run it with the runtime itself',
  next: "serverExternalPackages: ['sluice'] in next.config.mjs",
  webpack:
    "externals: [/^sluice(\\/|$)/] and externalsType: 'commonjs' in webpack, " +
    "'module' where the bundle is an ES module",
  vite: "ssr: { external: ['sluice'] } in Vite",
  bun: `${each} in Bun.build(), --external on its command line`,
  unknown: `${each} in esbuild`,
}

declare const __webpack_require__: unknown

/** Whether webpack put this code where it is: it writes paths of the machine that it ran on. */
export function isOfWebpack(): boolean {
  return typeof __webpack_require__ !== 'undefined'
}

/** Bundlers write something else in the place of these words, or set them where bundles run. */
function makerOfBundle(): Maker {
  if (isExecutable(import.meta.url as string | undefined)) return 'executable'
  if (isNext()) return 'next'
  if (isOfWebpack()) return 'webpack'
  if ('bun' in process.versions) return 'bun'
  return (import.meta as { env?: object }).env === undefined ? 'unknown' : 'vite'
}

function isNext(): boolean {
  try {
    return process.env.NEXT_RUNTIME !== undefined
  } catch {
    return false // Deno asks for --allow-env
  }
}

/** Of Node (a single executable application), of pkg, of Bun, or of Deno. */
function isExecutable(url: string | undefined): boolean {
  const sea = process.getBuiltinModule?.('node:sea') as { isSea(): boolean } | undefined
  const { Deno } = globalThis as { Deno?: { build?: { standalone?: boolean } } }
  const isOfBun = url !== undefined && /\/(\$bunfs|~BUN)\//.test(decodeURI(url))
  return isOfBun || 'pkg' in process || sea?.isSea() === true || Deno?.build?.standalone === true
}
