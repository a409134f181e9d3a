import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll } from 'vitest'

const checkout = path.resolve(import.meta.dirname, '../../..')

/**
 * What forked programs import as 'sluice': this checkout, or the installed package whose folder
 * SLUICE_TEST_PACKAGE names (the one with its package.json).
 */
export const packageUnderTest = path.resolve(process.env.SLUICE_TEST_PACKAGE || checkout)

/** What forked programs are executed by: this Node, or the one that SLUICE_TEST_NODE names. */
export const nodeUnderTest = process.env.SLUICE_TEST_NODE || process.execPath

/**
 * A folder of this checkout, given relative to its root, whose programs import 'sluice' and find
 * the package under test: as it is, or as a copy that is deleted after the file's tests. To be
 * called where the file begins.
 */
export function programs(folder: string): string {
  if (packageUnderTest === checkout) return path.join(checkout, folder)
  const home = projectWith(packageUnderTest)
  afterAll(() => rmSync(home, { recursive: true, force: true }))
  const copy = path.join(home, folder)
  cpSync(path.join(checkout, folder), copy, { recursive: true })
  return copy
}

/** A new project outside of this checkout, with that package, and what the examples import. */
export function projectWith(packageFolder: string): string {
  const home = mkdtempSync(path.join(tmpdir(), 'sluice-project-'))
  writeFileSync(path.join(home, 'package.json'), '{ "private": true, "type": "module" }')
  for (const scope of ['@hono', '@modelcontextprotocol']) {
    mkdirSync(path.join(home, 'node_modules', scope), { recursive: true })
  }
  const link = (name: string, target: string) =>
    symlinkSync(target, path.join(home, 'node_modules', name), 'junction')
  link('sluice', packageFolder)
  const mcp = '@modelcontextprotocol/sdk'
  for (const name of ['express', 'fastify', 'hono', '@hono/node-server', mcp]) {
    link(name, path.join(checkout, 'node_modules', name))
  }
  return home
}
