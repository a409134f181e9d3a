import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { expect, test } from 'vitest'
import { inRoot } from '../../scripts/support/root.mjs'

const vitest = path.join(
  path.dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
  'vitest.mjs',
)

test('npm test names what passed only at the second try, and why it failed at the first', () => {
  const folder = fs.mkdtempSync(inRoot('build/second-tries-'))
  const tests = `import { expect, test } from 'vitest'
    let tries = 0
    test('comes late', () => expect(++tries).toBe(2))
    test('is there', () => expect(tries).toBe(2))`
  try {
    fs.writeFileSync(path.join(folder, 'a.test.js'), tests)
    fs.writeFileSync(path.join(folder, 'vitest.config.js'), 'export default {}')
    const reporter = inRoot('scripts/support/second-tries.mjs')
    const args = ['run', '--root', folder, '--retry=1', `--reporter=${reporter}`]
    const said = execFileSync(process.execPath, [vitest, ...args], { encoding: 'utf8' })
    expect(said).toContain('1 passed only at the second try')
    expect(said).toContain('a.test.js > comes late\n    expected 1 to be 2')
    expect(said).not.toContain('is there')
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
})
