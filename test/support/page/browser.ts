import { existsSync } from 'node:fs'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, describe, expect } from 'vitest'
import { eventually } from '../eventually.js'
import { closeAfterEach } from '../serve.js'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const executablePath = [process.env.CHROMIUM, ...places].find(
  (place) => place !== undefined && existsSync(place),
)

/**
 * Tests of the page of a server; what they open is closed after each. Without a browser they are
 * skipped, and their group's name says why.
 */
export function describeInBrowser(name: string, tests: () => void): void {
  const described = () => {
    closeAfterEach()
    closePagesAfterEach()
    tests()
  }
  if (executablePath !== undefined) describe(name, described)
  else
    describe.skip(
      `${name} (there is no Chromium: apt-get install chromium, or $CHROMIUM)`,
      described,
    )
}

/** For what hangs: a machine may be slow, and busy with others. */
const patienceMs = 60_000
let browser: Promise<Browser> | undefined
const contexts: BrowserContext[] = []
/** What no page may do, whichever test opens it. */
const faults: string[] = []

/** Closes what a test opened, and fails it if a page threw, or its policy had to stop it. */
function closePagesAfterEach(): void {
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close()
    expect(faults.splice(0)).toEqual([])
  })
  afterAll(async () => {
    await (await browser)?.close()
    browser = undefined
  })
}

interface OpenOptions {
  readonly dark?: boolean
  readonly width?: number
}

/** A browser's profile of its own. */
export async function openContext(options: OpenOptions = {}): Promise<BrowserContext> {
  const { dark = false, width = 1280 } = options
  browser ??= chromium.launch({
    args: ['--no-sandbox'],
    timeout: patienceMs,
    ...(executablePath === undefined ? {} : { executablePath }),
  })
  const context = await (await browser).newContext({
    colorScheme: dark ? 'dark' : 'light',
    viewport: { width, height: 800 },
    reducedMotion: 'reduce',
  })
  context.setDefaultTimeout(patienceMs)
  contexts.push(context)
  return context
}

/** A tab with the page at that address. */
export async function openPage(url: string, options: OpenOptions = {}): Promise<Page> {
  return openIn(await openContext(options), url)
}

export async function openIn(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage()
  page.on('pageerror', (error) => faults.push(`${error}`))
  page.on('console', (message) => {
    // A status of 401 is a line of the console too, and no fault.
    if (/content security policy|trusted/i.test(message.text())) faults.push(message.text())
  })
  await page.goto(url)
  return page
}

export async function say(page: Page, text: string): Promise<void> {
  await page.fill('#prompt', text)
  await page.press('#prompt', 'Enter')
}

/** Waits until there is an element that has this text. */
export async function shows(page: Page, selector: string, text: string | RegExp): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor()
}

/** Waits until that is so. Not waitForFunction(): the page's policy refuses to evaluate a text. */
export async function holds(page: Page, expression: string): Promise<void> {
  let isSo = false
  const look = async () => {
    while (!isSo) isSo = (await page.evaluate(expression)) as boolean
  }
  void look().catch(() => undefined) // the page was closed, and the test has failed
  await eventually(() => isSo, `it never came true: ${expression}`)
}

/** The last reply, once it has ended. */
export async function reply(page: Page): Promise<string> {
  const last = page.locator('.reply:not(.running)').last()
  await last.locator('.actions').waitFor()
  return (await last.locator('.prose').textContent()) ?? ''
}
