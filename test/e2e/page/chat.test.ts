import { expect, test } from 'vitest'
import { eventually } from '../../support/eventually.js'
import {
  describeInBrowser,
  openContext,
  openIn,
  openPage,
  reply,
  say,
  shows,
} from '../../support/page/browser.js'
import { counting, type Served, serve } from '../../support/serve.js'

/** An engine that goes on only when the test says so. */
const byHand = (tokens: () => Iterable<string>) =>
  serve({ pace: 'manual', script: () => ({ tokens: tokens() }) })

async function step({ native }: Served, times = 1): Promise<void> {
  for (let i = 0; i < times; i++) native.step()
}

/** The messages that the engine was asked with, the last time. */
function asked({ native }: Served) {
  const prompt = native.submitted.at(-1)?.prompt
  if (typeof prompt !== 'object' || !('messages' in prompt)) throw new Error('no conversation')
  return prompt
}

const saidOf = (served: Served) =>
  asked(served).messages.map(({ role, content }) => [role, content])

describeInBrowser('a conversation on the page', () => {
  test('has its reply as it comes, and tells its numbers at the end', async () => {
    const served = await byHand(() => ['Once', ' upon', ' a **time**', '.'])
    const page = await openPage(served.url)
    await say(page, 'Tell me a story')
    await eventually(() => served.native.submitted.length === 1)
    await shows(page, '.state.waiting', 'Reading the prompt')
    await step(served, 3)
    await shows(page, '.reply.running .prose', 'Once upon')
    expect(await page.textContent('#send')).toBe('Stop')
    await step(served, 6)
    expect(await reply(page)).toBe('Once upon a time.')
    expect(await page.textContent('.prose strong')).toBe('time')
    await shows(page, '.numbers', /4 tokens.*0 of 4 prompt tokens cached/)
    expect(await page.textContent('#send')).toBe('Send')
    expect(await page.textContent('#told')).toContain('Once upon a **time**.')
  })

  test('is told whole with the next message, and is there after a reload', async () => {
    const served = await serve()
    const page = await openPage(served.url)
    await say(page, 'First')
    await reply(page)
    await page.reload()
    expect(await page.locator('.said').allTextContents()).toEqual(['First'])
    await say(page, 'Second')
    await eventually(() => served.native.submitted.length === 2)
    expect(saidOf(served)).toEqual([
      ['user', 'First'],
      ['assistant', 'Once upon a time.'],
      ['user', 'Second'],
    ])
    await reply(page)
    await page.click('#new-chat')
    expect(await page.locator('.turn').count()).toBe(0)
    await page.reload()
    await shows(page, '.welcome', 'fake')
  })

  test.each(['button', 'Escape'])('ends in the engine where it is stopped by %s', async (way) => {
    const served = await serve({ script: () => ({ tokens: counting() }) })
    const page = await openPage(served.url)
    await say(page, 'Count')
    await shows(page, '.reply.running .prose', /0 1 2/)
    if (way === 'button') await page.click('#send')
    else await page.press('#prompt', 'Escape')
    await shows(page, '.state', 'Stopped.')
    await eventually(() => served.native.cancelled.length === 1)
    await eventually(() => served.native.stats().cancelled === 1)
    const { running, queued } = served.native.stats()
    expect({ running, queued }).toEqual({ running: 0, queued: 0 })
    expect(await reply(page)).toMatch(/^0 1 2/)
  })

  test('keeps what came where the connection breaks, and goes on from there', async () => {
    const served = await byHand(() => ['Once', ' upon', ' a', ' time'])
    const page = await openPage(served.url)
    await say(page, 'Tell me a story')
    await eventually(() => served.native.submitted.length === 1)
    await step(served, 3)
    await shows(page, '.reply.running .prose', 'Once upon')
    served.server.server.closeAllConnections()
    await shows(page, '.state.fault', 'The connection broke off. What came is kept.')
    await eventually(() => served.native.cancelled.length === 1)
    await page.click('text=Go on')
    await eventually(() => served.native.submitted.length === 2)
    expect(asked(served).continues).toBe(true)
    expect(saidOf(served)).toEqual([
      ['user', 'Tell me a story'],
      ['assistant', 'Once upon'],
    ])
    await step(served, 8)
    expect(await reply(page)).toBe('Once uponOnce upon a time')
    expect(await page.locator('.reply').count()).toBe(1)
  })

  test('is of its tab alone, and two of them have replies at once', async () => {
    const served = await serve({ script: () => ({ tokens: counting() }) })
    const context = await openContext()
    const [one, other] = [await openIn(context, served.url), await openIn(context, served.url)]
    await say(one, 'In the first')
    await say(other, 'In the second')
    await shows(one, '.reply.running .prose', /0 1 2/)
    await shows(other, '.reply.running .prose', /0 1 2/)
    expect(served.native.stats().running + served.native.stats().parked).toBe(2)
    await one.click('#send')
    await eventually(() => served.native.cancelled.length === 1)
    expect(await other.locator('.reply.running').count()).toBe(1)
    expect(await other.locator('.said').allTextContents()).toEqual(['In the second'])
  })

  test('is answered anew after an edit, or when a reply is asked for again', async () => {
    let replies = 0
    const served = await serve({ script: () => ({ tokens: [`Reply ${++replies}`] }) })
    const page = await openPage(served.url)
    await say(page, 'One')
    expect(await reply(page)).toBe('Reply 1')
    await page.click('.reply >> text=Regenerate')
    await shows(page, '.reply', 'Reply 2')
    await say(page, 'Two')
    await shows(page, '.reply', 'Reply 3')
    await page.locator('.user').first().hover()
    await page.click('.user >> text=Edit')
    await page.fill('.editor', 'Another')
    await page.click('text=Send again')
    await shows(page, '.reply', 'Reply 4')
    expect(saidOf(served)).toEqual([['user', 'Another']])
    expect(await page.locator('.turn').count()).toBe(2)
  })

  test('is answered anew by an edit that is sent while another reply comes', async () => {
    const served = await byHand(() => ['Once', ' upon', '.'])
    const page = await openPage(served.url)
    await say(page, 'One')
    await eventually(() => served.native.submitted.length === 1)
    await step(served, 5)
    await reply(page)
    await page.locator('.user').first().hover()
    await page.click('.user >> text=Edit')
    await page.fill('.editor', 'Another')
    await say(page, 'Two')
    await eventually(() => served.native.submitted.length === 2)
    await page.click('text=Send again')
    await eventually(() => served.native.submitted.length === 3)
    expect(saidOf(served)).toEqual([['user', 'Another']])
    await step(served, 5)
    expect(await reply(page)).toBe('Once upon.')
    expect(await page.locator('.turn').count()).toBe(2)
  })

  test('has the settings in each request, and not those that are out of range', async () => {
    const served = await serve()
    const page = await openPage(served.url)
    await page.click('#show-settings')
    await page.fill('#system', 'Be brief.')
    await page.fill('#setting-temperature', '0.33')
    await page.fill('#setting-top_k', '7')
    await page.fill('#setting-min_p', '1.5')
    await page.fill('#setting-seed', '11')
    await page.fill('#setting-max_tokens', '2')
    expect(await page.getAttribute('#setting-min_p', 'aria-invalid')).toBe('true')
    await say(page, 'Tell me a story')
    await shows(page, '.state', 'Cut off')
    const [request] = served.native.submitted
    expect(request).toMatchObject({ temperature: 0.33, topK: 7, minP: 0, seed: 11, maxTokens: 2 })
    expect(saidOf(served)[0]).toEqual(['system', 'Be brief.'])
    await page.reload()
    expect(await page.inputValue('#setting-temperature')).toBe('0.33')
  })

  test('tells in the words of the server what went wrong, and tries again', async () => {
    let fails = true
    const served = await serve({
      script: () => {
        const failure = { code: 'ERR_CONTEXT_LENGTH', message: 'too long' } as const
        const sizes = { promptTokens: 9000, contextTokens: 2048 }
        return fails ? { tokens: [], refuse: { ...failure, ...sizes } } : { tokens: ['Now'] }
      },
    })
    const page = await openPage(served.url)
    await say(page, 'Tell me a story')
    await shows(page, '.state.fault', 'too long')
    fails = false
    await page.click('text=Try again')
    expect(await reply(page)).toBe('Now')
  })

  test('folds thoughts, and shows calls of tools as text', async () => {
    const calls = [{ index: 0, id: 'a', name: 'look', arguments: '{"at":1}' }]
    const tokens = [{ reasoning: 'Let me ' }, { reasoning: 'see.' }, 'There.', { toolCalls: calls }]
    const served = await serve({ script: () => ({ tokens, end: 'tool_calls' }) })
    const page = await openPage(served.url)
    await say(page, 'Look')
    await reply(page)
    expect(await page.locator('.thoughts').getAttribute('open')).toBe(null)
    await page.click('.thoughts summary')
    expect(await page.textContent('.thoughts-text')).toBe('Let me see.')
    expect(await page.textContent('.call')).toBe('look({"at":1})')
  })

  test('is used by keyboard alone', async () => {
    const served = await serve({ script: () => ({ tokens: counting() }) })
    const page = await openPage(served.url)
    await page.keyboard.type('Count')
    await page.keyboard.press('Enter')
    await shows(page, '.reply.running .prose', /0 1 2/)
    await page.keyboard.press('Escape')
    await reply(page)
    const focused = () => page.evaluate('document.activeElement.id || document.activeElement.text')
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('send')
    for (let i = 0; i < 20 && (await focused()) !== 'show-settings'; i++) {
      await page.keyboard.press('Shift+Tab')
    }
    await page.keyboard.press('Enter')
    expect(await page.isVisible('#settings')).toBe(true)
    for (let i = 0; i < 20 && (await focused()) !== 'system'; i++) await page.keyboard.press('Tab')
    await page.keyboard.type('Be brief.')
    await page.keyboard.press('Escape')
    expect(await page.isVisible('#settings')).toBe(false)
    expect(await focused()).toBe('show-settings')
  })
})
