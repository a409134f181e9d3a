import { writeFileSync } from 'node:fs'
import path from 'node:path'
import vm from 'node:vm'
import { afterAll, expect, test } from 'vitest'
import { blocksOf } from '../support/docs/blocks.js'
import { DocsProject } from '../support/docs/runner.js'
import { eventually } from '../support/eventually.js'

// docs/browser.md: its server, and the script of its page, which asks that server over HTTP. What
// of a browser the script needs beside what Node has is stood in for: elements with their text.

const project = new DocsProject()
afterAll(() => project.close())

interface Element {
  textContent: string
  onclick?: () => void | Promise<void>
}

const blocks = blocksOf('docs/browser.md')
const html = blocks.find(({ language }) => language === 'html')?.code ?? ''
const server = blocks.find(({ code }) => code.includes("readFile('page.html')"))

/** Runs the script of a page that came from `origin`. */
function openPage(page: string, origin: string): Record<'ask' | 'stop' | 'story', Element> {
  const [, script = ''] = /<script type="module">([\s\S]*)<\/script>/.exec(page) ?? []
  const elements = Object.fromEntries(
    [...page.matchAll(/id="(\w+)"/g)].map(([, id = '']) => [id, { textContent: '' }]),
  ) as Record<'ask' | 'stop' | 'story', Element>
  vm.runInNewContext(script, {
    document: { querySelector: (id: string) => elements[id.slice(1) as 'ask'] },
    fetch: (where: string, init: RequestInit) => fetch(new URL(where, origin), init),
    AbortController,
    TextDecoderStream,
    Error,
  })
  return elements
}

test('the page shows a story as it comes, and ends it where it is stopped', async () => {
  if (server === undefined) throw new Error('docs/browser.md has no server')
  writeFileSync(path.join(project.folder, 'page.html'), html)
  await project.serve(server, async (origin) => {
    const response = await fetch(origin, { headers: { Connection: 'close' } })
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    const page = openPage(await response.text(), origin)

    const whole = page.ask.onclick?.()
    await eventually(() => page.story.textContent.length > 10, 'nothing came')
    await whole
    expect(page.story.textContent).toMatch(/^.{60,}$/s)

    const cut = page.ask.onclick?.()
    await eventually(() => page.story.textContent.length > 0, 'nothing came')
    await page.stop.onclick?.()
    await cut
    expect(page.story.textContent).not.toContain('\n(')
  })
})
