import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'

/**
 * One hash over values and the contents of files (a folder stands for all files in it).
 * @param {unknown[]} values
 * @param {string[]} paths
 */
export function hashOf(values, paths) {
  const hash = createHash('sha256').update(JSON.stringify(values))
  for (const file of paths.flatMap(filesIn)) {
    hash.update(`\0${file}\0`).update(fs.readFileSync(file))
  }
  return hash.digest('hex')
}

/**
 * Whether a step's result is there and was made from the same things.
 * @param {string} stampFile
 * @param {string} hash
 */
export function isFresh(stampFile, hash) {
  return fs.existsSync(stampFile) && fs.readFileSync(stampFile, 'utf8') === hash
}

/**
 * @param {string} stampFile
 * @param {string} hash
 */
export function writeStamp(stampFile, hash) {
  fs.mkdirSync(path.dirname(stampFile), { recursive: true })
  fs.writeFileSync(stampFile, hash)
}

/**
 * @param {string} target
 * @returns {string[]}
 */
function filesIn(target) {
  if (!fs.existsSync(target)) return []
  if (!fs.statSync(target).isDirectory()) return [target]
  return fs
    .readdirSync(target)
    .sort()
    .flatMap((name) => filesIn(path.join(target, name)))
}
