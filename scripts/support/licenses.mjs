import fs from 'node:fs'
import { inRoot } from './root.mjs'

/**
 * The licenses of the packages that these files are from.
 * @param {string[]} files
 */
export function licensesOf(files) {
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
