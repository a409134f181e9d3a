import { Client as NewClient } from '@modelcontextprotocol/client'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import {
  CallToolRequestSchema,
  ListToolsRequestSchema,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type McpClient, type McpProgress, mcpTools, runTools } from '../../src/index.js'
import { calling, saying, scriptedRounds } from '../support/chats/scripted-rounds.js'
import { eventually } from '../support/eventually.js'

// MCP's own clients and servers, in this process. A server of npm in a process of its own is in
// test/e2e/tools.

const open = scriptedRounds()
const ask = [{ role: 'user' as const, content: 'Go on' }]
const clients: (Client | NewClient)[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
})

const identity = { name: 'test', version: '1.0.0' }
const kinds: [name: string, make: () => Client | NewClient][] = [
  ['@modelcontextprotocol/sdk', () => new Client(identity)],
  ['@modelcontextprotocol/client', () => new NewClient(identity)],
]

async function connected<Kind extends Client | NewClient>(
  client: Kind,
  server: McpServer | Server,
): Promise<Kind> {
  const [ours, theirs] = InMemoryTransport.createLinkedPair()
  await Promise.all([server.connect(theirs), client.connect(ours)])
  clients.push(client)
  return client
}

/** A server whose list has a page for each array, and which answers with the tool's name. */
function paged(pages: Partial<Tool>[][], answer: object = {}) {
  const server = new Server(identity, { capabilities: { tools: {} } })
  server.setRequestHandler(ListToolsRequestSchema, ({ params }) => {
    const page = Number(params?.cursor ?? 0)
    const tools = (pages[page] ?? []).map((tool) => {
      return { name: '', inputSchema: { type: 'object' as const }, ...tool }
    })
    return { tools, ...(page + 1 < pages.length ? { nextCursor: String(page + 1) } : {}) }
  })
  server.setRequestHandler(CallToolRequestSchema, ({ params }) => {
    return { content: [{ type: 'text', text: params.name }], ...answer }
  })
  return server
}

/** What the model is told of a call, and what the program is. */
async function called(client: McpClient, name: string, given: object, options: object = {}) {
  const { engine } = await open([calling([name, given]), saying('Done.')])
  const { rounds } = await runTools(engine, ask, { tools: await mcpTools(client), ...options }).done
  return rounds[0]?.toolResults[0]
}

describe.each(kinds)('the client of %s', (_, make) => {
  test('has its server’s tools called, with texts and errors told', async () => {
    const server = new McpServer(identity)
    const inputSchema = { a: z.number(), b: z.number() }
    server.registerTool('add', { description: 'Adds', inputSchema }, ({ a, b }) => ({
      content: [{ type: 'text', text: String(a + b) }],
    }))
    server.registerTool('fail', { title: 'Fails' }, () => {
      throw new Error('the disk is full')
    })
    const client = await connected(make(), server)
    const tools = await mcpTools(client)
    expect(tools).toMatchObject({
      add: { description: 'Adds', parameters: { type: 'object', required: ['a', 'b'] } },
      fail: { description: 'Fails' },
    })
    expect(await called(client, 'add', { a: 2, b: 3 })).toMatchObject({ content: '5' })
    expect(await called(client, 'add', { a: 2 })).toMatchObject({
      content: expect.stringMatching(/^Error: .*Invalid arguments for tool add/s),
      error: { code: 'ERR_TOOL_FAILED', reason: 'failed' },
    })
    expect((await called(client, 'fail', {}))?.content).toBe('Error: the disk is full')
  })

  test('hands on the signal, which cancels the request at the server', async () => {
    const server = new McpServer(identity)
    let signal: AbortSignal | undefined
    server.registerTool('wait', {}, (extra) => {
      signal = extra.signal
      return new Promise(() => undefined)
    })
    const client = await connected(make(), server)
    const result = await called(client, 'wait', {}, { timeoutMs: 50 })
    expect(result?.content).toBe('Error: wait took longer than 50 ms')
    await eventually(() => signal?.aborted === true)
  })

  test('tells progress', async () => {
    const server = new McpServer(identity)
    server.registerTool('count', {}, async ({ _meta, sendNotification }) => {
      const { progressToken = '' } = _meta ?? {}
      for (const progress of [1, 2]) {
        const params = { progressToken, progress, total: 2 }
        await sendNotification({ method: 'notifications/progress', params })
      }
      return { content: [] }
    })
    const client = await connected(make(), server)
    const told: unknown[] = []
    const onProgress = (progress: McpProgress, call: object) => told.push({ ...progress, ...call })
    const { engine } = await open([calling(['count', {}]), saying('Done.')])
    await runTools(engine, ask, { tools: await mcpTools(client, { onProgress }) }).done
    const call = { name: 'count', toolCallId: 'call_0' }
    expect(told).toEqual([
      { progress: 1, total: 2, ...call },
      { progress: 2, total: 2, ...call },
    ])
  })

  test('lists all pages', async () => {
    const client = await connected(make(), paged([[{ name: 'a' }], [], [{ name: 'b' }]]))
    expect(Object.keys(await mcpTools(client))).toEqual(['a', 'b'])
  })

  test('that is closed has calls fail, and the run go on', async () => {
    const client = await connected(make(), paged([[{ name: 'a' }]]))
    const { engine } = await open([calling(['a', {}]), saying('Done.')])
    const tools = await mcpTools(client)
    await client.close()
    const { rounds, text } = await runTools(engine, ask, { tools }).done
    expect(text).toBe('Done.')
    expect(rounds[0]?.toolResults[0]?.error).toMatchObject({ reason: 'failed' })
  })
})

describe('tools of an MCP server', () => {
  test('get a prefix, under which the server is not called', async () => {
    const pages = [[{ name: 'read' }, { name: 'write' }]]
    const [one, two] = [
      await connected(new Client(identity), paged(pages)),
      await connected(new Client(identity), paged(pages)),
    ]
    const tools = { ...(await mcpTools(one)), ...(await mcpTools(two, { prefix: 'notes_' })) }
    expect(Object.keys(tools)).toEqual(['read', 'write', 'notes_read', 'notes_write'])
    const { engine } = await open([calling(['notes_read', {}]), saying('Done.')])
    const { rounds } = await runTools(engine, ask, { tools }).done
    expect(rounds[0]?.toolResults[0]).toMatchObject({ name: 'notes_read', content: 'read' })
  })

  test('are those that the filter takes, and no tasks', async () => {
    const server = paged([
      [
        { name: 'read', annotations: { readOnlyHint: true } },
        { name: 'write', annotations: { readOnlyHint: false } },
        {
          name: 'later',
          annotations: { readOnlyHint: true },
          execution: { taskSupport: 'required' },
        },
      ],
    ])
    const client = await connected(new Client(identity), server)
    const tools = await mcpTools(client, {
      filter: (tool) => tool.annotations?.readOnlyHint === true,
    })
    expect(Object.keys(tools)).toEqual(['read'])
  })

  test('of one name are refused', async () => {
    const client = await connected(new Client(identity), paged([[{ name: 'a' }, { name: 'a' }]]))
    await expect(mcpTools(client)).rejects.toMatchObject({
      code: 'ERR_INVALID_REQUEST',
      message: 'expected tools of different names, but two are a',
    })
  })

  test('without an end are refused', async () => {
    let page = 0
    const listTools = async () => ({ tools: [], nextCursor: String(page++) })
    const client = { listTools, callTool: async () => undefined }
    await expect(mcpTools(client)).rejects.toMatchObject({ code: 'ERR_INVALID_REQUEST' })
    expect(page).toBe(1000)
  })

  test('end at a page that is its own next one', async () => {
    const listTools = async () => ({ tools: [], nextCursor: 'x' })
    expect(await mcpTools({ listTools, callTool: async () => undefined })).toEqual({})
  })

  test('of no client, or with a wrong option, are refused', async () => {
    await expect(mcpTools({} as never)).rejects.toMatchObject({ option: 'client' })
    await expect(mcpTools(undefined as never)).rejects.toMatchObject({ option: 'client' })
    const client = await connected(new Client(identity), paged([]))
    await expect(mcpTools(client, { prefx: 'a' } as never)).rejects.toThrow(/'prefix'\?/)
  })

  const image = { type: 'image', data: 'aGk=', mimeType: 'image/png' }
  const text = (text: string) => ({ type: 'text', text })
  const answers: [string, object, string][] = [
    [
      'structured content behind other words',
      { content: [text('2 items')], structuredContent: { items: [1, 2] } },
      '2 items\n{"items":[1,2]}',
    ],
    [
      'structured content once, where a text is the same',
      { content: [text('{ "b": 2, "a": 1 }')], structuredContent: { a: 1, b: 2 } },
      '{ "b": 2, "a": 1 }',
    ],
    [
      'FastMCP’s text once',
      { content: [text('sunny')], structuredContent: { result: 'sunny' } },
      'sunny',
    ],
    [
      'FastMCP’s list once',
      { content: [text('1'), text('{"a":2}')], structuredContent: { result: [1, { a: 2 }] } },
      '1\n{"a":2}',
    ],
    ['structured content alone', { content: [], structuredContent: { a: 1 } }, '{"a":1}'],
    [
      'a line for an image and a sound',
      { content: [text('Here:'), image, { ...image, type: 'audio', mimeType: 'audio/wav' }] },
      'Here:\n[left out, as only text can be read here: image, image/png]\n' +
        '[left out, as only text can be read here: audio, audio/wav]',
    ],
    [
      'resources',
      {
        content: [
          { type: 'resource', resource: { uri: 'a://b', text: 'of b' } },
          { type: 'resource', resource: { uri: 'a://c', blob: 'aGk=', mimeType: 'a/c' } },
          { type: 'resource_link', uri: 'a://d', name: 'the d' },
        ],
      },
      'of b\n[left out, as only text can be read here: resource, a/c]\n[resource a://d: the d]',
    ],
    ['nothing', { content: [] }, '(no result)'],
  ]

  test.each(answers)('tell the model %s', async (_, answer, content) => {
    const client = await connected(new Client(identity), paged([[{ name: 'a' }]], answer))
    const result = await called(client, 'a', {})
    expect(result?.content).toBe(content)
    expect(result?.value).toMatchObject(answer) // the program has the image
  })

  test('of an error tell its texts and structured content', async () => {
    const answer = {
      content: [text('no such row')],
      structuredContent: { rows: [] },
      isError: true,
    }
    const client = await connected(new Client(identity), paged([[{ name: 'a' }]], answer))
    expect((await called(client, 'a', {}))?.content).toBe('Error: no such row\n{"rows":[]}')
  })

  test('of the first version of the protocol answer in toolResult', async () => {
    const listTools = async () => ({ tools: [{ name: 'a', inputSchema: {} }] })
    const callTool = async () => ({ toolResult: { sky: 'clear' } })
    expect((await called({ listTools, callTool }, 'a', {}))?.content).toBe('{"sky":"clear"}')
  })
})
