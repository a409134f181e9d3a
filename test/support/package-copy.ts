import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

const checkout = path.resolve(import.meta.dirname, '../..')
const tuple = `${process.platform}-${process.arch}`

/**
 * Builds what the package of this platform holds, unless it is there, and lays out the package as
 * it is installed: with the prebuilt binary and no other.
 */
export function prebuiltPackage(folder: string): string {
  execFileSync(process.execPath, ['scripts/prebuild.mjs'], { cwd: checkout, stdio: 'inherit' })
  const templates = 'deps/llama.cpp/models/templates' // which a child of test/lifecycle reads
  return packageCopy(folder, ['dist', 'models/storyteller.gguf', `prebuilds/${tuple}`, templates])
}

/** Parts of this checkout as a package of their own, which finds the checkout's dependencies. */
export function packageCopy(folder: string, parts: string[]): string {
  for (const part of ['package.json', ...parts]) {
    fs.cpSync(path.join(checkout, part), path.join(folder, part), { recursive: true })
  }
  fs.symlinkSync(path.join(checkout, 'node_modules'), path.join(folder, 'node_modules'), 'junction')
  return folder
}
