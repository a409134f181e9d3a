import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { libc, platformName } from './platform.js'

/** Where an addon may be. */
export interface Place {
  what: string
  /** Undefined where the package that would hold it is not installed. */
  file: string | undefined
}

/** Backends that are not part of a platform's package: each is one of its own. */
const furtherBackends = ['cuda', 'vulkan']

/** The places that may hold the addon, in the order in which they are tried. */
export function addonPlaces(packageRoot: string): Place[] {
  const name = platformName()
  const prebuilt = path.join('prebuilds', `${process.platform}-${process.arch}`, prebuiltName())
  const platformPackage = packageFolder(packageRoot, `@sluice/${name}`)
  return [
    { what: 'a build of your own', file: path.join(packageRoot, 'build/Release/sluice.node') },
    { what: 'a prebuilt binary in this folder', file: path.join(packageRoot, prebuilt) },
    {
      what: `the package @sluice/${name}`,
      file: platformPackage && path.join(platformPackage, prebuilt),
    },
  ]
}

/** The folders of installed packages that hold a further backend for this platform. */
export function backendFolders(packageRoot: string): string[] {
  return furtherBackends.flatMap((backend) => {
    const name = `${platformName()}-${backend}`
    const installed = packageFolder(packageRoot, `@sluice/${name}`)
    const places = [path.join(packageRoot, 'prebuilds', name)]
    if (installed !== undefined) places.push(path.join(installed, 'prebuilds', name))
    return places.filter((folder) => existsSync(folder))
  })
}

/** As prebuildify names it. */
function prebuiltName(): string {
  const tag = libc()
  return tag === undefined ? 'sluice.node' : `sluice.${tag}.node`
}

function packageFolder(packageRoot: string, name: string): string | undefined {
  const { resolve } = createRequire(path.join(packageRoot, 'package.json'))
  try {
    return path.dirname(resolve(`${name}/package.json`))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
}
