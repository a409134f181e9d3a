import { createRequire } from 'node:module'
import * as sluice from 'sluice'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

const require = createRequire(import.meta.url)

require('../cases/story.cjs')({
  sluice,
  importAgain: () => {
    vi.resetModules()
    return import('sluice')
  },
  model: require.resolve('sluice/models/storyteller.gguf'),
  runner: { afterAll, beforeAll, expect, test },
})
