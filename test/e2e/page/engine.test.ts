import { expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import { describeInBrowser, openPage, shows } from '../../support/page/browser.js'
import { serveModels } from '../../support/pool/serve-models.js'
import { counting, serve } from '../../support/serve.js'

const ask = (text: string) => [{ role: 'user' as const, content: text }]

describeInBrowser('the panel of the engine', () => {
  test('shows each slot as a lane: prefill, decode and parked', async () => {
    const { url, engine, native } = await serve({
      pace: 'manual',
      engine: { parallel: 4, window: 4 },
      script: ({ prompt }) => {
        const isLong = JSON.stringify(prompt).includes('long')
        return { tokens: counting(), prefillSteps: isLong ? 1000 : 1, promptTokens: 40 }
      },
    })
    const unread = engine.chat(ask('nobody reads this'))
    for (let i = 0; i < 12; i++) native.step()
    const read = engine.chat(ask('read'))
    void (async () => {
      for await (const _ of read) await new Promise((resolve) => setTimeout(resolve, 1))
    })()
    const long = engine.chat(ask('long'))
    for (let i = 0; i < 3; i++) native.step()
    const page = await openPage(url)
    for (const phase of ['parked', 'decode', 'prefill', 'free']) {
      await page.locator(`.lane[data-phase="${phase}"]`).first().waitFor()
    }
    await shows(page, '.lane[data-phase="parked"]', '40 + 4')
    await shows(page, '.lane[data-phase="prefill"]', '0 % of 40')
    await shows(page, '.engine h3', 'fake')
    for (const one of [unread, read, long]) one.cancel()
  })

  test('shows each model for as long as the server has it', async () => {
    const { url, pool } = await serveModels({ tales: {}, news: {} })
    const page = await openPage(url)
    await page.locator('.engine h3', { hasText: 'news' }).waitFor()
    await pool.remove('news')
    await page.locator('.engine h3', { hasText: 'news' }).waitFor({ state: 'detached' })
    await shows(page, '.engine h3', 'tales')
  })

  test('asks the server only as long as it is seen', async () => {
    const { url, log } = await serve()
    const looks = () => log.filter(({ route }) => route === '/engine').length
    const page = await openPage(url)
    await eventually(() => looks() >= 3, 'it does not look')
    await page.click('#show-engine')
    expect(await page.isVisible('#engine')).toBe(false)
    const before = looks()
    await page.waitForTimeout(2500)
    expect(looks() - before).toBeLessThanOrEqual(1) // one was under way
    await page.click('#show-engine')
    await eventually(() => looks() >= before + 2, 'it does not look again')
  })
})
