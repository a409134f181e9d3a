import { afterAll } from 'vitest'
import { type Engine, load } from '../../src/index.js'

/** load() for the tests of a file or a describe; all it loaded is closed after the last of them. */
export function suiteLoader(): typeof load {
  const engines: Engine[] = []
  afterAll(() => Promise.all(engines.map((engine) => engine.close())))
  return async (options) => {
    const engine = await load(options)
    engines.push(engine)
    return engine
  }
}
