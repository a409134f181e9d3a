/** A user's test that forgets to close; the runner must end all the same. See story.cjs. */
module.exports = ({ load, runner: { expect, test } }) => {
  test('an engine that nobody closes keeps no process alive', async () => {
    const engine = await load()
    const reply = engine.chat([{ role: 'user', content: 'Hello' }], { maxTokens: 5 })
    expect(await reply.text()).toMatch(/\w/)
  })
}
