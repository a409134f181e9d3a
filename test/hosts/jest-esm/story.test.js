import { createRequire } from 'node:module'
import { jest } from '@jest/globals'
import * as sluice from 'sluice'
import story from '../cases/story.cjs'

story({
  sluice,
  importAgain: () => {
    jest.resetModules()
    return import('sluice')
  },
  model: createRequire(import.meta.url).resolve('sluice/models/storyteller.gguf'),
  runner: { afterAll, beforeAll, expect, test },
})
