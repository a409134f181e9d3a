// Writes native/llama/tokens/nfc-table.cpp: what Unicode says of normalization form C,
// as this Node has it.
// Run it by hand where a newer Unicode matters: node scripts/nfc-table.mjs

import fs from 'node:fs'
import { inRoot } from './support/root.mjs'

const hangul = { first: 0xac00, last: 0xd7a3 }
/** Marks of the least class (1) and of the greatest (240), to tell by what else has a class. */
const overlay = '\u0334'
const below = '\u0345'

/** @param {number} code */
const text = (code) => String.fromCodePoint(code)
/** @param {string} string */
const codes = (string) => Array.from(string, (one) => one.codePointAt(0) ?? 0)
/** @param {string} string */
const nfd = (string) => string.normalize('NFD')
/** @param {number} code */
const hex = (code) => code.toString(16).toUpperCase()

/** @type {number[]} */
const all = []
for (let code = 0; code <= 0x10ffff; code++) {
  const isSurrogate = code >= 0xd800 && code <= 0xdfff
  const isHangul = code >= hangul.first && code <= hangul.last
  if (!isSurrogate && !isHangul) all.push(code)
}

fs.writeFileSync(inRoot('native/llama/tokens/nfc-table.cpp'), file())

function file() {
  return `#include "llama/tokens/nfc-table.h"

// Made by scripts/nfc-table.mjs, of Unicode ${process.versions.unicode}.

namespace sluice {

const char* const kNfcCompositions =
${literal(compositions())};

const char* const kNfcDecompositions =
${literal(decompositions())};

const char* const kNfcClasses =
${literal(classes())};

}  // namespace sluice
`
}

/** Which two become which one: \`A 300 C0\`. */
function compositions() {
  return all.filter(isComposite).map((code) => {
    const whole = codes(nfd(text(code)))
    const last = whole.pop() ?? 0
    const first = codes(String.fromCodePoint(...whole).normalize('NFC'))
    return [...first, last, code].map(hex).join(' ')
  })
}

/** @param {number} code */
function isComposite(code) {
  return nfd(text(code)) !== text(code) && text(code).normalize('NFC') === text(code)
}

/** What is always written as others: \`212B C5\`. */
function decompositions() {
  return all
    .filter((code) => text(code).normalize('NFC') !== text(code))
    .map((code) => [code, ...codes(nfd(text(code)))].map(hex).join(' '))
}

/**
 * The order of marks on one letter, by numbers of our own: only which is greater counts. Ranges:
 * \`334-338 1\`.
 */
function classes() {
  const marks = all.filter((code) => {
    const swaps = (/** @type {string} */ a, /** @type {string} */ b) => nfd(a + b) === b + a
    return (
      nfd(text(code)) === text(code) && (swaps(text(code), overlay) || swaps(below, text(code)))
    )
  })
  marks.push(...codes(overlay + below).filter((code) => !marks.includes(code)))
  const isAfter = (/** @type {number} */ a, /** @type {number} */ b) =>
    nfd(text(a) + text(b)) === text(b) + text(a)
  const order = (/** @type {number} */ a, /** @type {number} */ b) =>
    isAfter(a, b) ? 1 : isAfter(b, a) ? -1 : 0
  const byClass = marks.toSorted((a, b) => order(a, b) || a - b)
  const numbers = new Map()
  let number = 1
  for (const [i, code] of byClass.entries()) {
    if (i > 0 && isAfter(code, byClass[i - 1] ?? 0)) number++
    numbers.set(code, number)
  }
  return ranges(numbers)
}

/** @param {Map<number, number>} numbers */
function ranges(numbers) {
  /** @type {{ from: number, to: number, number: number }[]} */
  const found = []
  for (const [code, number] of [...numbers].toSorted(([a], [b]) => a - b)) {
    const last = found.at(-1)
    if (last?.number === number && last.to === code - 1) last.to = code
    else found.push({ from: code, to: code, number })
  }
  return found.map(({ from, to, number }) => `${hex(from)} ${hex(to)} ${hex(number)}`)
}

/** @param {string[]} entries */
function literal(entries) {
  const lines = ['']
  for (const entry of entries) {
    if ((lines.at(-1)?.length ?? 0) + entry.length > 91) lines.push('')
    lines[lines.length - 1] += `${entry};`
  }
  return lines.map((line) => `    "${line}"`).join('\n')
}
