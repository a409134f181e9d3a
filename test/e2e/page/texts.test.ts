import { expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import {
  describeInBrowser,
  holds,
  openPage,
  reply,
  say,
  shows,
} from '../../support/page/browser.js'
import { serve } from '../../support/serve.js'

const pieces = (text: string) => text.match(/[\s\S]{1,5}/g) ?? []

/** A page with a reply of that text, which came in pieces. */
async function pageWith(text: string) {
  const { url } = await serve({ script: () => ({ tokens: pieces(text) }) })
  const page = await openPage(url)
  await say(page, 'Write')
  await reply(page)
  return page
}

const hostile = [
  '<img src=x onerror="window.hit = 1">',
  '<script>window.hit = 1</script>',
  '<iframe srcdoc="<script>parent.hit = 1</script>"></iframe>',
  'A <b onmouseover="window.hit = 1">bold</b> word and <svg/onload=window.hit=1>.',
  '[a](javascript:window.hit=1) [b](JaVaScRiPt&colon;window.hit=1) [c](data:text/html,<script>1)',
  '[d](\u0001javascript:window.hit=1) [e](vbscript:1) [f](file:///etc/passwd)',
  '![g](https://evil.example/pixel.png) ![h](javascript:window.hit=1)',
  '<style>body { display: none }</style>',
  '[i]: javascript:window.hit=1\n\n[i]',
  '`<img src=x onerror=window.hit=1>`\n\n```html\n</code></pre><script>window.hit=1</script>\n```',
  '| <img src=x onerror=window.hit=1> | b |\n| --- | --- |\n| [x](javascript:1) | y |',
]

describeInBrowser('a text of a model', () => {
  test('cannot run a script, load anything or become markup', async () => {
    const page = await pageWith(hostile.join('\n\n'))
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    expect(await page.evaluate('window.hit')).toBe(undefined)
    const made = 'img, script, iframe, svg, style, object, embed, form, input, b, [onerror]'
    expect(await page.locator(`.reply :is(${made})`).count()).toBe(0)
    const links = await page.locator('.reply a').evaluateAll((all) => {
      return all.map((one) => `${one}`)
    })
    expect(links).toEqual(['https://evil.example/pixel.png'])
    for (const link of await page.locator('.reply .prose span').all()) await link.click()
    expect(await page.evaluate('window.hit')).toBe(undefined)
    expect(asked.filter((one) => /evil|pixel/.test(one))).toEqual([])
    await shows(page, '.prose', '<img src=x onerror="window.hit = 1">')
    expect(await page.locator('.reply a').first().getAttribute('rel')).not.toBe(null)
  })

  test('is Markdown, whatever the pieces it comes in', async () => {
    const text =
      '# Title\n\nA *soft* and **loud** word &amp; `code`.\n\n- one\n- two\n\n  more\n\n' +
      '1. first\n2. second\n\n```js\nconst a = 1\n\nconst b = 2\n```\n\n> said\n\n' +
      '| a | b |\n| :-- | --: |\n| 1 | 2 |\n\nline  \nbreak <br> <https://example.com>\n'
    const page = await pageWith(text)
    const prose = page.locator('.prose')
    expect(await prose.locator('h3').textContent()).toBe('Title')
    expect(await prose.locator('em').textContent()).toBe('soft')
    expect(await prose.locator('ul > li').count()).toBe(2)
    expect(await prose.locator('ol > li').allTextContents()).toEqual(['first', 'second'])
    expect(await prose.locator('.code code').textContent()).toBe('const a = 1\n\nconst b = 2')
    expect(await prose.locator('.code-head span').textContent()).toBe('js')
    expect(await prose.locator('td').allTextContents()).toEqual(['1', '2'])
    expect(await prose.locator('br').count()).toBe(2)
    expect(await prose.locator('p').first().textContent()).toBe('A soft and loud word & code.')
    expect(await prose.locator('a').getAttribute('href')).toBe('https://example.com')
  })

  test('that nests without end is shown as it is written', async () => {
    const page = await pageWith('> '.repeat(20_000) + '['.repeat(20_000))
    expect((await reply(page)).length).toBeGreaterThan(20_000)
  })

  test('leaves the nodes of its earlier blocks alone while it grows', async () => {
    const { url, native } = await serve({
      pace: 'manual',
      script: () => ({ tokens: ['First.\n\n', 'Second', ' goes', ' on.\n\n```\none', '\ntwo'] }),
    })
    const page = await openPage(url)
    await say(page, 'Write')
    await eventually(() => native.submitted.length === 1)
    for (let i = 0; i < 3; i++) native.step()
    await shows(page, '.prose', 'Second')
    await page.evaluate('window.first = document.querySelector(".prose p")')
    for (let i = 0; i < 2; i++) native.step()
    await shows(page, '.prose', 'one')
    await page.evaluate('window.code = document.querySelector(".prose pre code")')
    for (let i = 0; i < 4; i++) native.step()
    await reply(page)
    expect(await page.textContent('.prose pre code')).toBe('one\ntwo')
    const isSame = (name: string, selector: string) =>
      page.evaluate(`window.${name} === document.querySelector('${selector}')`)
    expect(await isSame('first', '.prose p')).toBe(true)
    expect(await isSame('code', '.prose pre code')).toBe(true)
  })

  test('moves the thread along only for a reader who is at its end', async () => {
    const lines = Array.from({ length: 120 }, (_, i) => `Line ${i}.\n\n`)
    const { url, native } = await serve({ pace: 'manual', script: () => ({ tokens: lines }) })
    const page = await openPage(url)
    await say(page, 'Write')
    await eventually(() => native.submitted.length === 1)
    for (let i = 0; i < 60; i++) native.step()
    await shows(page, '.prose', 'Line 50.')
    const atEnd =
      '(({ scrollTop, scrollHeight, clientHeight }) =>' +
      ' scrollHeight - scrollTop - clientHeight < 4)(document.querySelector("#scroll"))'
    await holds(page, atEnd)
    await page.evaluate('document.querySelector("#scroll").scrollTop = 0')
    await page.locator('#to-end').waitFor()
    await eventually(() => {
      native.step()
      return native.stats().running + native.stats().parked === 0
    })
    await reply(page)
    expect(await page.evaluate('document.querySelector("#scroll").scrollTop')).toBe(0)
    await page.click('#to-end')
    await holds(page, atEnd)
  })
})
