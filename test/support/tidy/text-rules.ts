import { complaint, isCpp, isScript, type Rule } from './files.js'

export const lineWidthMax = 100

/** Code only: tables and links in prose may be wide. */
export const lineWidth: Rule = (file) => {
  if (!isCpp(file) && !isScript(file) && file.path !== 'CMakeLists.txt') return []
  return file.text.split('\n').flatMap((line, i) => {
    const width = [...line].length
    if (width <= lineWidthMax) return []
    return [complaint(file, i + 1, `${width} characters wide, at most ${lineWidthMax}`)]
  })
}

/** Below the code folders; what lies in the root is named by the tools that read it. */
export const dashCaseNames: Rule = (file) => {
  if (!/^(native|src|test|scripts|bench)\//.test(file.path)) return []
  const isDashCase = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*$/
  const wrong = file.path.split('/').find((part) => !isDashCase.test(part))
  return wrong ? [complaint(file, 1, `"${wrong}" is not dash-case`)] : []
}

/** A path that only exists on the machine it was written on. */
export const noMachinePaths: Rule = (file) =>
  matches(/(?<![\w.~$}/*-])\/(home|Users|root|work|tmp|mnt)\/\w|\b[A-Z]:\\+Users\b/g)(file).map(
    ({ line, found }) => complaint(file, line, `"${found}" is a path of one machine`),
  )

/** Where packages come from is each machine's own business. */
export const noRegistryHosts: Rule = (file) =>
  matches(/\b(registry|npm\.pkg)\.[a-z0-9-]+\.[a-z]{2,}\b|"resolved": "\w+:/g)(file).map(
    ({ line, found }) => complaint(file, line, `"${found}" names a package registry`),
  )

function matches(pattern: RegExp) {
  return ({ text }: { text: string }) =>
    [...text.matchAll(pattern)].map((match) => ({
      line: text.slice(0, match.index).split('\n').length,
      found: match[0],
    }))
}
