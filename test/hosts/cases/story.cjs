/**
 * What a user's tests do with an engine, whichever runner has them. A test file hands over what it
 * has imported in its runner's own way.
 * @param sluice the package
 * @param importAgain imports it after the registry of modules was reset
 * @param model the path of the small model, as the runner resolves it
 */
module.exports = ({ sluice, importAgain, model, runner }) => {
  const { afterAll, beforeAll, expect, test } = runner
  const { load, SluiceError } = sluice
  const ask = [{ role: 'user', content: 'Tell me a story' }]

  let engine
  beforeAll(async () => {
    engine = await load({ model })
  })
  afterAll(() => engine.close())

  test('a reply comes in parts', async () => {
    const texts = []
    for await (const { text } of engine.chat(ask, { maxTokens: 200, ignoreEos: true }))
      texts.push(text)
    expect(texts.length).toBeGreaterThan(1)
    expect(texts.join('')).toMatch(/\w+ \w+/)
  })

  test('tokens are numbers of any realm', async () => {
    const tokens = await engine.tokenize('Once upon a time')
    for (const some of [tokens, [...tokens], Int32Array.from(tokens)]) {
      expect(await engine.detokenize(some)).toBe('Once upon a time')
    }
  })

  test('a reply is cancelled by an AbortSignal', async () => {
    const controller = new AbortController()
    const reply = engine.chat(ask, { maxTokens: 500, signal: controller.signal })
    const read = async () => {
      for await (const _ of reply) controller.abort()
    }
    await expect(read()).rejects.toMatchObject({ code: 'ERR_CANCELLED' })
  })

  test('errors are of the classes that the package exports', async () => {
    await expect(load({ model: 'nothing.gguf' })).rejects.toThrow(SluiceError)
    await expect(load({ model: 'nothing.gguf' })).rejects.toThrow(/nothing\.gguf/)
  })

  test('a module registry that was reset loads a second engine beside the first', async () => {
    const again = await importAgain()
    const second = await again.load({ model })
    const options = { maxTokens: 20, seed: 1 }
    const replies = [engine, second].map((each) => each.chat(ask, options).text())
    const [one, other] = await Promise.all(replies)
    expect(one).toBe(other)
    await second.close()
    expect(await engine.chat(ask, { maxTokens: 5 }).text()).toMatch(/\w/)
  })
}
