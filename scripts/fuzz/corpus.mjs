import fs from 'node:fs'
import { inRoot } from '../support/root.mjs'

// The inputs that a fuzz target begins with: an input a line, as a string of JSON whose characters
// are bytes, or in base64 where that is shorter.

/** @param {string} name of a target */
export const corpusFile = (name) => inRoot('test/support/fuzz/corpus', `${name}.txt`)

/**
 * @param {string} name of a target
 * @returns {Buffer[]}
 */
export function readCorpus(name) {
  const lines = fs.readFileSync(corpusFile(name), 'utf8').split('\n')
  return lines.filter((line) => line !== '').map(inputOf)
}

/** @param {string} line */
function inputOf(line) {
  if (!line.startsWith('"')) return Buffer.from(line, 'base64')
  return Buffer.from(JSON.parse(line), 'latin1')
}

/**
 * @param {string} name of a target
 * @param {readonly Buffer[]} inputs
 */
export function writeCorpus(name, inputs) {
  const lines = inputs.map(lineOf).sort()
  fs.writeFileSync(corpusFile(name), lines.map((line) => `${line}\n`).join(''))
}

/** @param {Buffer} input */
export function lineOf(input) {
  const text = JSON.stringify(input.toString('latin1')).replace(/[\x7f-\xff]/g, escaped)
  const base64 = input.toString('base64')
  return base64.length > 0 && base64.length < text.length ? base64 : text
}

/** @param {string} character */
const escaped = (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
