import fs from 'node:fs'
import path from 'node:path'
import { npm } from '../../scripts/support/run.mjs'
import { Stop } from '../../scripts/support/stop.mjs'
import { inCache, inRoot } from '../paths.js'

/** The one that carries our llama.cpp, so that both sides are of the same release. */
export const nodeLlamaCppVersion = pinnedVersion()

/**
 * Installs node-llama-cpp in the bench's own folder, with the one prebuilt binary that this machine
 * needs and none of its install scripts. @returns the module to import
 */
export async function nodeLlamaCpp(): Promise<string> {
  const folder = inCache(`node-llama-cpp-${nodeLlamaCppVersion}`)
  const module = path.join(folder, 'node_modules/node-llama-cpp/dist/index.js')
  const binary = `@node-llama-cpp/${process.platform}-${process.arch}`
  if (fs.existsSync(module)) return module

  console.log(`node-llama-cpp: installing ${nodeLlamaCppVersion} in ${folder}`)
  fs.mkdirSync(folder, { recursive: true })
  fs.writeFileSync(path.join(folder, 'package.json'), '{"private": true}\n')
  const packages = ['node-llama-cpp', binary].map((name) => `${name}@${nodeLlamaCppVersion}`)
  // Without --omit=optional come 600 MB for other machines.
  const flags = ['--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund']
  const { status, output } = await npm(['install', ...flags, ...packages], {
    cwd: folder,
    quiet: true,
  })
  if (status === 0) return module
  throw new Stop(`node-llama-cpp could not be installed; leave out --case in-process.\n${output}`)
}

function pinnedVersion(): string {
  const lock = JSON.parse(fs.readFileSync(inRoot('deps/llama.lock.json'), 'utf8'))
  return lock.package.split('@').at(-1)
}
