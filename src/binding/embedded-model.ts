import { fileURLToPath } from 'node:url'

const inPackage = 'models/storyteller.gguf'

/**
 * Path of the model that comes with the package: a small storyteller of 2 MB, for first steps and
 * for tests. `load()` takes it where it is told no other. Not there in a bundle, where `load` says
 * so (ERR_BINARY_MISSING).
 */
export const embeddedModel: string = pathOf(import.meta.url as string | undefined)

/** Reads nothing: the package can be imported where no file may be read. */
function pathOf(here: string | undefined): string {
  // A bundle made as CommonJS has no import.meta.
  if (here?.startsWith('file:') !== true) return inPackage
  return fileURLToPath(new URL(`../../${inPackage}`, here))
}
