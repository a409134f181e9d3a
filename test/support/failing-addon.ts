import path from 'node:path'
import { pathToFileURL } from 'node:url'

const preload = path.resolve('test/lifecycle/children/failing.mjs')

/**
 * The environment of a program of this checkout whose addon fails as the plan says: see
 * native/llama/test/failing.
 */
export function failingAddon(fault: string): Record<string, string> {
  return { NODE_OPTIONS: `--import=${pathToFileURL(preload)}`, SLUICE_TEST_FAULT: fault }
}
