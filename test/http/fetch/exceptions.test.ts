import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { exceptionTitles } from '../../support/adapters/exceptions.js'

test('each test that does not run over fetch is there, so that none is left out unseen', () => {
  const folders = ['test/http', 'test/e2e/http', 'test/e2e/clients']
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => readFileSync(`${folder}/${name}`, 'utf8')),
  )
  const all = files.join('\n')
  expect(exceptionTitles.filter((title) => !all.includes(`'${title}`))).toEqual([])
})
