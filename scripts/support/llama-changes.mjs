import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { inRoot } from './root.mjs'
import { run } from './run.mjs'

/** The headers of llama.cpp that native/llama may include, and folders of them. */
const headers = ['include', 'ggml/include', 'common/*.h', 'src/llama-grammar.h']

/** Names that only llama.cpp gives. */
const foreignName = /\b(?:llama|ggml|gguf|common|LLAMA|GGML|GGUF|COMMON)_\w+/g

/** @typedef {{ commit: string, release: string }} Pin */

/**
 * What changed between two pins in the headers that we use: which files, which of the names that
 * native/ uses are gone, and the changed lines that mention one. All of it is in the diff file.
 * @param {string} oldSource a repository that holds the old commit
 * @param {Pin} old
 * @param {string} newSource a repository that holds the new commit
 * @param {Pin} next
 */
export async function describeChanges(oldSource, old, newSource, next) {
  const temp = fs.mkdtempSync(path.join(os.tmpdir(), 'sluice-headers-'))
  try {
    await exportHeaders(oldSource, old.commit, path.join(temp, 'a'))
    await exportHeaders(newSource, next.commit, path.join(temp, 'b'))
    const args = ['diff', '--no-index', '--no-color', '--no-prefix', '-U0', 'a', 'b']
    const { output } = await run('git', args, { cwd: temp, quiet: true })
    const file = inRoot('build', `llama-${old.release}-to-${next.release}.diff`)
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, output)
    const gone = namesWeUse().filter(missingFrom(path.join(temp, 'b'), path.join(temp, 'a')))
    return summary(output, gone, file)
  } finally {
    fs.rmSync(temp, { recursive: true, force: true })
  }
}

/**
 * @param {string} source
 * @param {string} commit
 * @param {string} target
 */
async function exportHeaders(source, commit, target) {
  fs.mkdirSync(target, { recursive: true })
  const git = ['-C', source, '-c', 'core.quotePath=off']
  const listed = await run('git', [...git, 'ls-tree', '-r', '--name-only', commit], { quiet: true })
  const wanted = listed.output.split('\n').filter(isOurs)
  for (const name of wanted) {
    const { output } = await run('git', [...git, 'show', `${commit}:${name}`], { quiet: true })
    fs.mkdirSync(path.dirname(path.join(target, name)), { recursive: true })
    fs.writeFileSync(path.join(target, name), output)
  }
}

/** @param {string} name */
function isOurs(name) {
  return headers.some((pattern) => {
    if (!pattern.includes('*')) return name === pattern || name.startsWith(`${pattern}/`)
    const [folder = '', end = ''] = pattern.split('*')
    return path.dirname(name) === path.dirname(`${folder}x`) && name.endsWith(end)
  })
}

/** What our own code takes from llama.cpp. */
function namesWeUse() {
  const texts = filesBelow(inRoot('native')).map((file) => fs.readFileSync(file, 'utf8'))
  return [...new Set(texts.flatMap((text) => text.match(foreignName) ?? []))].sort()
}

/**
 * Names that the old headers had and the new ones have not.
 * @param {string} next
 * @param {string} old
 */
function missingFrom(next, old) {
  const namesIn = (/** @type {string} */ folder) =>
    new Set(filesBelow(folder).flatMap((f) => fs.readFileSync(f, 'utf8').match(foreignName) ?? []))
  const [before, after] = [namesIn(old), namesIn(next)]
  return (/** @type {string} */ name) => before.has(name) && !after.has(name)
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function filesBelow(folder) {
  if (!fs.existsSync(folder)) return []
  const entries = fs.readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries.filter((e) => e.isFile()).map((e) => path.join(e.parentPath, e.name))
}

/**
 * @param {string} diff
 * @param {string[]} gone
 * @param {string} file
 */
function summary(diff, gone, file) {
  const used = new Set(namesWeUse())
  const files = diff.split(/^diff --git /m).slice(1)
  const lines = [`Headers that changed: ${files.length === 0 ? 'none' : files.length}`]
  for (const one of files) {
    const name = /^\S+? [ab]\/(\S+)/.exec(one)?.[1]
    const changed = one.split('\n').filter((line) => /^[+-](?![+-]{2})/.test(line))
    const added = changed.filter((line) => line.startsWith('+')).length
    const fate = /^(new|deleted) file/m.exec(one)?.[1] ?? ''
    lines.push(`  ${name}: +${added} -${changed.length - added} ${fate}`.trimEnd())
    const ours = changed.filter((line) => line.match(foreignName)?.some((word) => used.has(word)))
    lines.push(...ours.map((line) => `    ${line}`))
  }
  lines.push(`Names that native/ uses and the new headers lack: ${gone.join(', ') || 'none'}`)
  lines.push(`All of it: ${path.relative(process.cwd(), file)}`)
  return lines.join('\n')
}
