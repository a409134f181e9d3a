import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { mcpTools, runTools } from '../../src/index.js'
import { calling, saying, scriptedRounds } from '../support/chats/scripted-rounds.js'

// The fragments of docs/tools.md, each with what it takes for granted; and that its programs are
// those of examples/, which test/examples runs.

const page = readFileSync('docs/tools.md', 'utf8')
const blocks = [...page.matchAll(/<!-- run by (\S+) -->\n```js\n(.*?)```/gs)]
const fragments = blocks.filter(([, file]) => file === 'test/tools/docs.test.ts')
const open = scriptedRounds()
const ask = [{ role: 'user' as const, content: 'Go on' }]
const parameters = { type: 'object' }

/** Runs the only fragment that has these words. @returns a variable of it */
async function runFragment(words: string, given: Record<string, unknown>, name = 'undefined') {
  const found = fragments.filter(([, , code = '']) => code.includes(words))
  expect(found).toHaveLength(1)
  const AsyncFunction = (async () => undefined).constructor as FunctionConstructor
  const code = `${found[0]?.[2]}; return ${name}`
  return AsyncFunction(...Object.keys(given), code)(...Object.values(given))
}

test('each block of code is run, here or as a program', () => {
  expect(fragments).toHaveLength(4)
  expect([...page.matchAll(/^```js$/gm)]).toHaveLength(blocks.length)
})

test.each(['tools.mjs', 'mcp.mjs'])('the page shows what is in examples/%s', (name) => {
  const example = readFileSync(`examples/${name}`, 'utf8')
  const shown = blocks.filter(([, , code = '']) => example.includes(code))
  expect(shown).toHaveLength(1)
})

test('a run that maxRounds ended may be summed up without tools', async () => {
  const { engine, chats } = await open([calling(['a', {}]), saying('So it is.')])
  const run = runTools(engine, ask, { tools: { a: { run: () => 1 } }, maxRounds: 1 })
  const printed: unknown[] = []
  const console = { log: (text: unknown) => printed.push(text) }
  await runFragment('max_rounds', { run, engine, console, list: [{ name: 'a', parameters }] })
  expect(printed).toEqual(['So it is.'])
  expect(chats()[1]).toMatchObject({ toolChoice: 'none', tools: [{ name: 'a' }] })
})

test('tools of two servers and a program are one object', async () => {
  const server = {
    listTools: async () => ({ tools: [{ name: 'read', inputSchema: {} }] }),
    callTool: async () => ({ content: [] }),
  }
  const tools = await runFragment('prefix', { mcpTools, files: server, notes: server }, 'tools')
  expect(Object.keys(tools)).toEqual(['files_read', 'notes_read', 'now'])
  expect(tools.now.run()).toBeInstanceOf(Date)
})

test('calls of one reply are answered by hand', async () => {
  const { engine, asked } = await open([calling(['get_weather', { city: 'Rome' }]), saying('Hm.')])
  const messages: Parameters<typeof engine.chat>[0] = [...ask]
  const answer = async (name: string, { city }: { city: string }) => `${name} of ${city}`
  await runFragment('toolCalls = []', { engine, messages, answer })
  await engine.chat(messages).done
  expect(asked()[1]).toEqual(['user: Go on', 'assistant: ', 'tool: get_weather of Rome'])
})

test('prepared tools are taken by chat', async () => {
  const { engine, chats } = await open([saying('Hm.')])
  const reply = await runFragment(
    'prepareTools',
    { engine, messages: ask, parameters },
    'reply.done',
  )
  expect(reply.text).toBe('Hm.')
  expect(chats()[0]?.tools).toMatchObject([{ name: 'get_weather' }])
})
