import path from 'node:path'
import { expect, test } from 'vitest'
import { clientModel } from '../support/client-server.js'
import { encoderModel } from '../support/models/encoder-model.js'
import { startProgram } from '../support/program.js'

// The AI SDK over an engine in its own process, without a server. test/long/clients.test.ts has its
// newest releases.

test('the AI SDK has its texts, tools, forms and vectors of sluice/ai-sdk', async () => {
  const program = path.join(import.meta.dirname, 'programs/ai-provider.mjs')
  const folder = path.resolve(import.meta.dirname, '../..')
  const args = [program, folder, clientModel(), encoderModel()]
  const { code, stdout, stderr } = await startProgram(process.execPath, args).result
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' })
})
