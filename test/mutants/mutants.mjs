// For each of the doors' 80 checks (test/support/wire/checks.mjs) a line of the code that it
// guards, spoiled: `npm run test:mutants` wants the tests of the check to notice each of these.

import { chatMutants } from './chat.mjs'
import { decisionMutants } from './decisions.mjs'
import { inProcessMutants } from './in-process.mjs'
import { messageMutants } from './messages.mjs'
import { ollamaMutants } from './ollama.mjs'
import { responseMutants } from './responses.mjs'

/**
 * @typedef {object} Mutant
 * @property {number} check what its tests name by `wireCheck`
 * @property {string} file
 * @property {string} find stands in the file exactly once
 * @property {string} replace the same, with one line of it spoiled
 * @property {string} tests the file of those tests
 */

/** @type {readonly Mutant[]} */
export const mutants = [
  ...chatMutants,
  ...responseMutants,
  ...messageMutants,
  ...decisionMutants,
  ...inProcessMutants,
  ...ollamaMutants,
]
