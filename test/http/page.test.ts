import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.js'
import { serveModels } from '../support/pool/serve-models.js'
import { chat, closeAfterEach, counting, serve, stepUntil, story } from '../support/serve.js'

closeAfterEach()

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
const withPage = { server: { page: true } }

describe('GET / with a page', () => {
  test('is the file of the package, for what asks for HTML', async () => {
    const { url } = await serve(withPage)
    const response = await fetch(url, { headers: browser })
    const html = await response.text()
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(html).toBe(readFileSync('dist/page/index.html', 'utf8'))
    const head = await fetch(url, { method: 'HEAD', headers: browser })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  test('is a line of text for all others', async () => {
    const { url } = await serve(withPage)
    const response = await fetch(url)
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(await response.text()).toBe('Ollama is running')
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200)
  })

  test('lets nothing in but what is in the file, by the hashes of that', async () => {
    const { url } = await serve(withPage)
    const response = await fetch(url, { headers: browser })
    const html = await response.text()
    const hash = (name: string) => {
      const texts = html.split(`<${name}>`).slice(1)
      expect(texts).toHaveLength(1)
      const [text = ''] = texts[0]?.split(`</${name}>`) ?? []
      expect(text.length).toBeGreaterThan(1000)
      return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
    }
    expect(response.headers.get('content-security-policy')?.split('; ')).toEqual([
      "default-src 'none'",
      `script-src ${hash('script')}`,
      `style-src ${hash('style')}`,
      'img-src data:',
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ])
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('referrer-policy')).toBe('no-referrer')
    expect(response.headers.get('vary')).toContain('accept')
    const markup = html.replace(/<(style|script)>[\s\S]*?<\/\1>/g, '')
    expect(markup.length).toBeLessThan(4096)
    expect(markup).not.toMatch(/<[^>]+\s(?:style|on\w+|src)=/)
  })

  test('is smaller than 128 KiB, and needs no key', async () => {
    const { url } = await serve({ server: { page: true, apiKeys: ['a-key'] } })
    const response = await fetch(url, { headers: browser })
    expect(response.status).toBe(200)
    expect((await response.arrayBuffer()).byteLength).toBeLessThan(128 * 1024)
    expect((await fetch(`${url}/engine`)).status).toBe(401)
  })

  test('is refused to a page of another origin, as all is', async () => {
    const { url } = await serve(withPage)
    const headers = { ...browser, origin: 'https://evil.example' }
    expect((await fetch(url, { headers })).status).toBe(403)
  })
})

describe('GET / without a page', () => {
  test('is no page for a browser either', async () => {
    const { url } = await serve({ server: { page: false } })
    const response = await fetch(url, { headers: browser })
    expect(response.headers.get('content-type')).not.toContain('html')
  })
})

describe('GET /engine', () => {
  test('tells of each slot how far it is, and nothing of its prompt', async () => {
    const { url, native } = await serve({
      pace: 'manual',
      engine: { parallel: 2 },
      script: () => ({ tokens: counting(), promptTokens: 30, cachedTokens: 20 }),
    })
    const reply = chat(url, story()).then((response) => response.text())
    await eventually(() => native.submitted.length === 1)
    await stepUntil(native, () => native.stats().tokensGenerated === 3)
    const response = await fetch(`${url}/engine`)
    const text = await response.text()
    expect(text).not.toContain('story"')
    expect(JSON.parse(text)).toMatchObject({
      models: [
        {
          model: 'fake',
          aliases: ['default'],
          state: 'loaded',
          engine: {
            parallel: 2,
            running: 1,
            queued: 0,
            slots: [
              {
                phase: 'decode',
                prompt_tokens: 30,
                cached_tokens: 20,
                computed_tokens: 33,
                completion_tokens: 3,
              },
              null,
            ],
            kv_cells: { used: 33 },
            totals: { prompt_tokens: 30, cached_tokens: 20, generated_tokens: 3 },
          },
        },
      ],
    })
    native.close()
    await reply
  })

  test('tells of models that are not loaded, and loads none', async () => {
    const { url, events } = await serveModels({ tales: {}, news: {} })
    await (await chat(url, story({ model: 'news', stream: false }))).json()
    const answer = await (await fetch(`${url}/engine`)).json()
    expect(answer).toMatchObject({
      memory: { bytes: expect.any(Number), budget_bytes: expect.any(Number) },
      models: [
        { model: 'tales', state: 'unloaded', engine: null, waiting: 0 },
        { model: 'news', state: 'loaded', engine: { running: 0 } },
      ],
    })
    expect(events).toEqual(['loading news', 'loaded news'])
  })

  test('is served while the server drains', async () => {
    const { url, native, server } = await serve({
      pace: 'manual',
      script: () => ({ tokens: counting() }),
    })
    const reply = chat(url, story({ max_tokens: 5 })).then((response) => response.text())
    await eventually(() => native.submitted.length === 1)
    const drained = server.drain()
    const idle = await fetch(`${url}/engine`)
    expect([idle.status, (await idle.json()) !== null]).toEqual([200, true])
    await stepUntil(native, () => native.stats().finished === 1)
    await reply
    await drained
  })
})
