import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** A copy of the package as it is where nothing was built and no prebuilt binary fits. */
const folder = mkdtempSync(path.join(tmpdir(), 'sluice-no-binary-'))

beforeAll(() => {
  for (const part of ['dist', 'package.json']) {
    cpSync(part, path.join(folder, part), { recursive: true })
  }
  symlinkSync(path.resolve('node_modules'), path.join(folder, 'node_modules'), 'junction')
})
afterAll(() => rmSync(folder, { recursive: true }))

test('without a binary, importing works and load() names the command that builds it', () => {
  const script = `
    import { load } from './dist/index.js'
    await load({ model: 'a.gguf' }).catch(({ code, message }) => {
      process.stdout.write(code + ' ' + message)
    })`
  const args = ['--input-type=module', '-e', script]
  const output = execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
  expect(output).toMatch(/^ERR_BINARY_MISSING .*npx sluice build/)
})
