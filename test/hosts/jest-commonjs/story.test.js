require('../cases/story.cjs')({
  sluice: require('sluice'),
  importAgain: () => {
    jest.resetModules()
    return require('sluice')
  },
  model: require.resolve('sluice/models/storyteller.gguf'),
  runner: { afterAll, beforeAll, expect, test },
})
