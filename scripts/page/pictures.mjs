// Pictures of the page, in build/page-pictures: for the eye of whoever changes it, and two of them
// for docs/images. Needs Chromium ($CHROMIUM, or where Debian puts it), and a font such as Inter.

import fs from 'node:fs'
import { chromium } from 'playwright-core'
import { inRoot } from '../support/root.mjs'

const folder = inRoot('build/page-pictures')
const { load } = await import(String(new URL('../../dist/index.js', import.meta.url)))
const { createServer } = await import(String(new URL('../../dist/http/index.js', import.meta.url)))

const written = `A binary search halves what is left until nothing is.

1. Look at the **middle** of what is left.
2. If it is too small, go on behind it; else before it.

\`\`\`js
export function indexOf(sorted, wanted) {
  let [from, to] = [0, sorted.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (sorted[middle] < wanted) from = middle + 1
    else to = middle
  }
  return sorted[from] === wanted ? from : -1
}
\`\`\`

| items | looks |
| ---: | ---: |
| 1,000 | 10 |
| 1,000,000 | 20 |

> It needs a *sorted* list, and \`>>\` rounds down. See [the article](https://example.com).
`
const thought = `The user wants a search in a sorted list. A short explanation, then code.
I should say what it needs, which is that the list is sorted.`

/** A reply as the server would stream it: the embedded model has other things to tell. */
function scripted() {
  const usage = { prompt_tokens: 412, completion_tokens: 231 }
  const frames = [
    ...pieces(thought).map((text) => ({ delta: { reasoning_content: text } })),
    ...pieces(written).map((text) => ({ delta: { content: text } })),
  ].map((choice) => ({ choices: [{ index: 0, finish_reason: null, ...choice }] }))
  const end = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }
  const count = { choices: [], usage: { ...usage, prompt_tokens_details: { cached_tokens: 388 } } }
  const all = [...frames, end, count].map((frame) => `data: ${JSON.stringify(frame)}\n\n`)
  return `${all.join('')}data: [DONE]\n\n`
}

/** @param {string} text */
function pieces(text) {
  return text.match(/[\s\S]{1,12}/g) ?? []
}

fs.mkdirSync(folder, { recursive: true })
const engine = await load({ parallel: 8 })
const server = createServer({ engine, port: 0 })
const { url } = await server.listen()
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
})

/**
 * @param {string} name
 * @param {{ width: number, height: number, dark?: boolean }} how
 * @param {(page: import('playwright-core').Page) => Promise<void>} act
 */
async function picture(name, { width, height, dark = false }, act) {
  const page = await browser.newPage({
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
  })
  page.on('console', (message) => console.log(name, message.type(), message.text()))
  page.on('pageerror', (error) => console.log(name, error))
  await page.goto(url)
  await page.waitForSelector('.model span, .model select')
  await act(page)
  await page.screenshot({ path: `${folder}/${name}.png` })
  await page.close()
}

/** @param {import('playwright-core').Page} page */
async function ask(page, text = 'How does a binary search work? Show me in JavaScript.') {
  await page.route('**/v1/chat/completions', (route) =>
    route.fulfill({ contentType: 'text/event-stream', body: scripted() }),
  )
  await page.fill('#prompt', text)
  await page.press('#prompt', 'Enter')
  await page.waitForSelector('.numbers')
}

const wide = { width: 1280, height: 860 }
const narrow = { width: 390, height: 800 }
await picture('first', wide, async () => undefined)
await picture('first-dark', { ...wide, dark: true }, async () => undefined)
await picture('first-narrow', narrow, async () => undefined)
await picture('reply', wide, (page) => ask(page))
await picture('reply-dark', { ...wide, dark: true }, (page) => ask(page))
await picture('reply-narrow', narrow, (page) => ask(page))
await picture('thoughts', wide, async (page) => {
  await ask(page)
  await page.click('.thoughts summary')
  await page.evaluate('document.querySelector("#scroll").scrollTop = 0')
})
await picture('settings', wide, async (page) => {
  await ask(page)
  await page.click('#show-settings')
})
await picture('settings-narrow', { ...narrow, dark: true }, (page) => page.click('#show-settings'))
for (const dark of [false, true]) {
  await picture(dark ? 'load-dark' : 'load', { ...wide, dark }, underLoad)
}
await picture('fault', wide, async (page) => {
  await page.route('**/v1/chat/completions', (route) =>
    route.fulfill({
      status: 429,
      contentType: 'application/json',
      body: JSON.stringify({ error: { message: 'The queue is full; try again in 2 s.' } }),
    }),
  )
  await page.fill('#prompt', 'Tell me a story')
  await page.press('#prompt', 'Enter')
  await page.waitForSelector('.state.fault')
})
await picture('key', { ...wide, dark: true }, async (page) => {
  await page.route('**/v1/**', (route) =>
    route.fulfill({ status: 401, body: '{"error":{"message":"Expected a key."}}' }),
  )
  await page.reload()
  await page.waitForSelector('dialog')
})

/** @param {import('playwright-core').Page} page */
async function underLoad(page) {
  await ask(page)
  await page.evaluate('document.querySelector("#scroll").scrollTop = 0')
  const abort = new AbortController()
  const many = Array.from({ length: 7 }, (_, i) => busy(i, abort.signal))
  await page.waitForTimeout(14_000)
  const phases = ['prefill', 'decode', 'parked', 'free']
  const all = phases.map((phase) => `document.querySelector('.lane[data-phase="${phase}"]')`)
  // Not waitForFunction(), which evaluates a text: the page's policy refuses that.
  while (!(await page.evaluate(all.map((one) => `${one} !== null`).join(' && ')))) {
    await page.waitForTimeout(50)
  }
  await page.waitForTimeout(450) // until the bars have their widths
  setTimeout(() => abort.abort(), 1000)
  void Promise.all(many)
}

/**
 * One request after the other, most of them with a beginning in common. Two of the readers take
 * nothing, so their replies are parked.
 * @param {number} reader
 * @param {AbortSignal} signal
 */
async function busy(reader, signal) {
  const story = Array(60).fill('Once upon a time there was a little girl.').join(' ')
  while (!signal.aborted) {
    const beginning = Math.random() < 0.4 ? `${Math.random()} ` : ''
    const text = beginning + story.slice(0, 300 + 1900 * Math.random())
    const messages = [{ role: 'user', content: text }]
    const reply = engine.chat(messages, { maxTokens: 300, ignoreEos: true, signal })
    if (reader < 2) await new Promise((resolve) => signal.addEventListener('abort', resolve))
    else await reply.text().catch(() => '')
  }
}

// Those of docs/page.md.
for (const name of ['load', 'load-dark']) {
  fs.copyFileSync(`${folder}/${name}.png`, inRoot(`docs/images/page${name.slice(4)}.png`))
}
await browser.close()
await server.close()
await engine.close()
console.log(folder)
process.exit(0)
