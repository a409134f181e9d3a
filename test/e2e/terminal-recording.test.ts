import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { runCli } from '../support/cli.js'
import { problemsOf, rowsOf } from '../support/pictures/svg.js'
import { freePort, startProgram } from '../support/program.js'

const folder = mkdtempSync(join(tmpdir(), 'sluice-picture-'))
afterAll(() => rmSync(folder, { recursive: true }))

const kept = 'docs/images/terminal.svg'
const keptChat = 'docs/images/chat.svg'
const words = (text: string) => text.replace(/\s/g, '')

/** Blanks alone are not drawn, and a terminal breaks lines where they end: letters are compared. */
function lettersOf(file: string): string {
  const svg = readFileSync(file, 'utf8')
  expect(problemsOf(svg)).toEqual([])
  return words(rowsOf(svg).join(''))
}

test('the picture that is kept is small, and shows our commands', () => {
  expect(statSync(kept).size).toBeLessThan(60_000)
  const letters = lettersOf(kept)
  expect(letters).toContain('$npxsluicerun"Tellmeastoryaboutafox"')
  expect(letters).toContain('$npxsluiceserve&')
  expect(letters).toContain('completions200done')
})

test('the picture of a chat that is kept is small, and shows a conversation', () => {
  expect(statSync(keptChat).size).toBeLessThan(60_000)
  const letters = lettersOf(keptChat)
  for (const typed of ['$npxsluicechat', '>>>Tellmeastoryaboutafox', '...aboutanowl', '>>>/quit']) {
    expect(letters).toContain(typed)
  }
  expect(letters).toMatch(/tokens\/s,\d+tokens,prompt\d+\(\d+cached\)/)
})

test.runIf(process.platform === 'linux')(
  'a recording shows what the commands say',
  async () => {
    const out = join(folder, 'terminal.svg')
    const script = 'scripts/terminal/record.mjs'
    const args = [script, `--out=${out}`, `--port=${await freePort()}`]
    const { code, stderr } = await startProgram(process.execPath, args).result
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const letters = lettersOf(out)
    const typed = /npx sluice (run "[^']*)'/.exec(readFileSync(script, 'utf8'))?.[1] ?? ''
    const [, prompt = '', flags = ''] = /^run "(.*)" (--.*)$/.exec(typed) ?? []
    const { stdout } = await runCli(['run', prompt, ...flags.split(' ')])
    expect(stdout.length).toBeGreaterThan(200)
    expect(letters).toContain(words(`$ npx sluice ${typed}${stdout}`))
  },
  15 * 60_000,
)

test.runIf(process.platform === 'linux')(
  'a recording of a chat shows the replies of the picture that is kept',
  async () => {
    const out = join(folder, 'chat.svg')
    const args = ['scripts/terminal/record.mjs', '--picture=chat', `--out=${out}`]
    const { code, stderr } = await startProgram(process.execPath, args).result
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const withoutTimes = (file: string) => lettersOf(file).replace(/[\d.]+tokens\/s/g, '')
    expect(withoutTimes(out)).toBe(withoutTimes(keptChat))
  },
  15 * 60_000,
)
