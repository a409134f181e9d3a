import path from 'node:path'
import { expect, test } from 'vitest'
import { serveClients } from '../../support/client-server.js'
import { startProgram } from '../../support/program.js'
import { closeAfterEach } from '../../support/serve.js'

// Tools, forms, thoughts and stop strings in one request, through the clients that people use.
// test/long/clients.test.ts has their newest releases.

closeAfterEach()

test.each(['openai', 'responses', 'ai', 'langchain', 'anthropic'])(
  '%s uses tools, forms, thoughts and stop strings together',
  async (client) => {
    const { url } = await serveClients({ responseStore: 100 })
    const program = path.join(import.meta.dirname, `../programs/${client}.mjs`)
    const args = [program, path.resolve(import.meta.dirname, '../../..'), url]
    const { code, stdout, stderr } = await startProgram(process.execPath, args).result
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' })
  },
)
