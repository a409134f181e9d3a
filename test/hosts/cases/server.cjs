/** A server in a user's test; see story.cjs. */
module.exports = ({ load, createServer, runner: { expect, test } }) => {
  test('a server streams, and a client that leaves ends its reply', async () => {
    const engine = await load()
    const server = createServer({ engine, port: 0 })
    const { url } = await server.listen()
    const leaves = new AbortController()
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        messages: [{ role: 'user', content: 'Hello' }],
        stream: true,
        ignore_eos: true,
      }),
      signal: leaves.signal,
    })
    const { value } = await answer.body.getReader().read()
    expect(new TextDecoder().decode(value)).toMatch(/^data: \{/)
    leaves.abort()
    await server.drain()
    expect(engine.stats()).toMatchObject({ running: 0, cancelled: 1 })
    await engine.close()
  })
}
