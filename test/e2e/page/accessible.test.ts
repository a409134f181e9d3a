import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { describeInBrowser, openPage, reply, say, shows } from '../../support/page/browser.js'
import { serve } from '../../support/serve.js'

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** What axe finds wrong, by rule and element. */
async function violations(page: Page): Promise<string[]> {
  // The page's policy lets no script in but its own; a debugger's are no part of the page.
  const { readFile } = await import('node:fs/promises')
  await page.evaluate(await readFile(axe, 'utf8'))
  const found = (await page.evaluate('axe.run()')) as AxeResults
  expect(found.passes.length).toBeGreaterThan(10)
  return found.violations.flatMap(({ id, nodes }) => {
    return nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`)
  })
}

const text = 'A **word**, `code` and [a link](https://example.com).\n\n```js\ncode\n```\n\n> said'

describeInBrowser('the page has nothing that axe calls inaccessible', () => {
  const looks = [
    { name: 'in light', dark: false, width: 1280 },
    { name: 'in dark', dark: true, width: 1280 },
    { name: 'narrow', dark: false, width: 390 },
  ]

  test.each(looks)('$name, empty and with replies, thoughts and panels', async (look) => {
    const tokens = [{ reasoning: 'Hm.' }, text]
    const { url } = await serve({ script: () => ({ tokens }) })
    const page = await openPage(url, look)
    await shows(page, '.model', 'fake')
    expect(await violations(page)).toEqual([])
    await say(page, 'Tell me a story')
    await reply(page)
    await page.click('.thoughts summary')
    expect(await violations(page)).toEqual([])
    await page.click('#show-settings')
    await page.fill('#setting-top_p', '7')
    expect(await violations(page)).toEqual([])
    await page.click('#show-engine')
    expect(await violations(page)).toEqual([])
  })

  test.each([false, true])('where a key is asked for, dark: %s', async (dark) => {
    const { url } = await serve({ server: { apiKeys: ['a-key'] } })
    const page = await openPage(url, { dark })
    await page.locator('dialog').waitFor()
    expect(await violations(page)).toEqual([])
  })
})
