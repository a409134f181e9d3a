import { encoderModel } from '../support/models/encoder-model.js'
import { type Exit, runChild } from './child.js'

/** How a process ends whose other listeners of 'exit' leave the engine's own out. */
export const ways = {
  'throws-first': 'another listener of exit, registered before load(), throws',
  'exits-first': 'another listener of exit, registered before load(), calls process.exit()',
  'prepended-later': 'a listener that was put in front of the engine’s own throws',
  'really-exits': 'process.reallyExit() calls no listener at all',
  uncaught: 'an exception is caught by nobody',
} as const

/** What the engine does meanwhile. */
export const states = [
  'decode',
  'many replies',
  'prefill',
  'texts',
  'several engines',
  'embedding',
  'grammar',
  'load',
  'estimate',
] as const

/**
 * The addon here takes 200 ms from the end of its static objects to that of the process, so that an
 * engine's thread which is left then crashes in most runs, and not in a few.
 *
 * Each of them leaves the process by an exit code, never by a signal.
 */
export function exitPastListeners(
  way: keyof typeof ways,
  state: (typeof states)[number],
): Promise<Exit> {
  const model =
    state === 'embedding' ? encoderModel({ layers: 4, embedding: 192, seed: 2 }) : undefined
  const env = { HOW: way, WHAT: state, SLUICE_TEST_FAULT: 'slow-exit:0:200' }
  return runChild('exits/past-listeners', undefined, model, env)
}
