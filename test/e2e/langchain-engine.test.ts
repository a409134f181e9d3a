import path from 'node:path'
import { expect, test } from 'vitest'
import { clientModel } from '../support/client-server.js'
import { encoderModel } from '../support/models/encoder-model.js'
import { startProgram } from '../support/program.js'

// LangChain.js over an engine in its own process, without a server.

test('LangChain has its texts, tools, forms and vectors of sluice/langchain', async () => {
  const program = path.join(import.meta.dirname, 'programs/langchain-engine.mjs')
  const folder = path.resolve(import.meta.dirname, '../..')
  const args = [program, folder, clientModel(), encoderModel()]
  const { code, stdout, stderr } = await startProgram(process.execPath, args).result
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' })
})
