import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { bindingAttempts } from './binding.js'
import { packageRoot } from './package-root.js'
import { platformName } from './platform.js'

const build = 'build it with: npx sluice build (needs cmake and a C++ compiler)'

/** What to do where `binding` found no addon that loads. Throws BundledError. */
export function missingAdvice(): string {
  const name = platformName()
  const files = bindingAttempts().map(({ file }) => file)
  if (files.some((file) => file !== undefined && /\.asar[\\/]/.test(file))) {
    return "unpack it from the asar archive: asarUnpack: ['**/node_modules/{sluice,@sluice}/**']"
  }
  if (files.at(-1) !== undefined) return build // the platform's package is there, and of no use
  const root = packageRoot()
  const others = platformPackages(root).filter((other) => other !== name)
  if (others.length > 0) {
    return (
      `node_modules was installed for ${others.join(' and ')}; ` +
      `install it again on this system, or ${build}`
    )
  }
  if (!isPublished(root, name)) return build
  return (
    `install the optional package @sluice/${name}, which --omit=optional leaves out: ` +
    `npm install --include=optional; or ${build}`
  )
}

/** Packages of platforms that lie beside this one, by the platforms' names. */
function platformPackages(root: string): string[] {
  const scope = path.resolve(root, '../@sluice')
  // pnpm has links there to what it has not installed.
  const isInstalled = (name: string) => existsSync(path.join(scope, name, 'package.json'))
  try {
    const names = readdirSync(scope).filter((name) => !/-(cuda|vulkan)$/.test(name))
    return names.filter(isInstalled).sort()
  } catch {
    return [] // most often there is no such folder
  }
}

/** Whether this release has a package for that platform: a checkout names none. */
function isPublished(root: string, name: string): boolean {
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
  const { optionalDependencies = {} } = manifest as { optionalDependencies?: object }
  return `@sluice/${name}` in optionalDependencies
}
