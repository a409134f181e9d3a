import type { Server } from 'node:http'
import express from 'express'
import { expect, test } from 'vitest'
import { requestListener } from '../../support/adapters/adapter.js'
import { eventually } from '../../support/eventually.js'
import {
  describeInBrowser,
  holds,
  openContext,
  openIn,
  openPage,
  reply,
  say,
  shows,
} from '../../support/page/browser.js'
import { serveModels } from '../../support/pool/serve-models.js'
import { alsoClose, serve } from '../../support/serve.js'

const apiKeys = ['a-key-of-the-test']
const [key = ''] = apiKeys

describeInBrowser('the page of a server that has keys', () => {
  test('asks for a key until it has one, and has it after a reload', async () => {
    const { url, native } = await serve({ server: { apiKeys } })
    const page = await openPage(url)
    await page.fill('dialog #key', 'another')
    await page.press('dialog #key', 'Enter')
    await shows(page, 'dialog', 'That key is not one of this server.')
    await page.fill('dialog #key', key)
    await page.click('dialog >> text=Use key')
    await shows(page, '.model', 'fake')
    expect(await page.locator('dialog').count()).toBe(0)
    await page.reload()
    await shows(page, '.model', 'fake')
    await say(page, 'Tell me a story')
    expect(await reply(page)).toBe('Once upon a time.')
    expect(native.submitted).toHaveLength(1)
    expect(await page.evaluate('localStorage.length')).toBe(0)
  })

  test('takes it from behind the # of its address, where it does not stay', async () => {
    const { url, log } = await serve({ server: { apiKeys } })
    const page = await openPage(`${url}/#key=${key}`)
    await shows(page, '.model', 'fake')
    expect(page.url()).toBe(`${url}/`)
    await page.reload()
    await shows(page, '.model', 'fake')
    expect(log.filter(({ status }) => status === 401)).toEqual([])
  })

  test('asks again for one that no header can carry, typed or in its address', async () => {
    const { url } = await serve({ server: { apiKeys } })
    for (const address of [url, `${url}/#key=${encodeURIComponent('ключ')}`]) {
      const page = await openPage(address)
      if (address === url) {
        await page.fill('dialog #key', 'k\u2013y')
        await page.press('dialog #key', 'Enter')
      }
      await shows(page, 'dialog', 'That key is not one of this server.')
      await page.fill('dialog #key', key)
      await page.press('dialog #key', 'Enter')
      await shows(page, '.model', 'fake')
    }
  })

  test('finds what it asks for where its address has slashes too many', async () => {
    const { url } = await serve({ server: { apiKeys } })
    const page = await openPage(`${url}//#key=${key}`)
    await shows(page, '.model', 'fake')
    expect(page.url()).toBe(`${url}//`)
  })

  test('asks with the next message where the dialog was left', async () => {
    const { url } = await serve({ server: { apiKeys } })
    const page = await openPage(url)
    await page.click('dialog >> text=Cancel')
    await say(page, 'Tell me a story')
    await page.fill('dialog #key', key)
    await page.press('dialog #key', 'Enter')
    expect(await reply(page)).toBe('Once upon a time.')
  })
})

describeInBrowser('the page of several models', () => {
  test('asks the one that is chosen, which is loaded then', async () => {
    const { url, native, pool } = await serveModels({ tales: { aliases: ['other'] }, news: {} })
    const page = await openPage(url)
    await page.locator('.model select').waitFor()
    const options = await page.locator('.model option').allTextContents()
    expect(options).toEqual(['tales (loaded when asked)', 'news (loaded when asked)'])
    await page.selectOption('.model select', 'news')
    await say(page, 'What is new?')
    expect(await reply(page)).toBe('Once upon a time.')
    expect(native('news').submitted).toHaveLength(1)
    expect(pool.list().map(({ state }) => state)).toEqual(['unloaded', 'loaded'])
    const isLoaded = '[...document.querySelectorAll("option")].some((o) => o.text === "news")'
    await holds(page, isLoaded)
    expect(await page.inputValue('.model select')).toBe('news')
  })
})

describeInBrowser('the page below a path of another server', () => {
  test.each(['/ai', '/ai/'])('finds what it asks for from %s', async (path) => {
    const { engine } = await serve()
    const app = express()
    const listener = requestListener({ engine, page: true })
    app.use('/ai', (req, res, next) => listener(req, res, next))
    const server = await new Promise<Server>((resolve) => {
      const made: Server = app.listen(0, '127.0.0.1', () => resolve(made))
    })
    alsoClose(async () => {
      await listener.drain({ deadlineMs: 0 })
      server.closeAllConnections()
      server.close()
    })
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const page = await openPage(`http://127.0.0.1:${port}${path}`)
    await shows(page, '.model', 'fake')
    await say(page, 'Tell me a story')
    expect(await reply(page)).toBe('Once upon a time.')
  })
})

describeInBrowser('a list of models that does not come', () => {
  test.each([
    { name: 'a page of something in front', body: '<html>Back soon</html>' },
    { name: 'half an answer', body: '{"object": "list", "da' },
    { name: 'no answer in time', body: undefined },
  ])('is asked for again after $name', async ({ body }) => {
    const { url } = await serve()
    const context = await openContext()
    let asked = 0
    let isTold: () => void = () => undefined
    const told = new Promise<void>((resolve) => {
      isTold = resolve
    })
    await context.route('**/v1/models', async (route) => {
      if (asked++ > 0) {
        await told // what the page says until then is seen, however late
        return route.continue()
      }
      return body === undefined ? new Promise<void>(() => undefined) : route.fulfill({ body })
    })
    await context.clock.install()
    const page = await openIn(context, url)
    if (body === undefined) await page.clock.fastForward(10_000)
    await shows(page, '.welcome', 'does not answer as it should')
    isTold()
    await shows(page, '.model', 'fake')
  })
})

describeInBrowser('a server that is not there', () => {
  test('is told of where a message is sent', async () => {
    const { url, server, engine } = await serve()
    const page = await openPage(url)
    await shows(page, '.model', 'fake')
    await server.close()
    await say(page, 'Tell me a story')
    await shows(page, '.state.fault', 'cannot be reached')
    await eventually(() => engine.stats().running === 0)
  })
})
