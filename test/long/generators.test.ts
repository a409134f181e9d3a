import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { CompiledSchema, InvalidSchemaError } from '../../src/index.js'
import { checkWellFormed } from '../../src/schema/reading/well-formed.js'
import { toolGrammar } from '../../src/schema/tool-grammar.js'
import { randomModel } from '../support/models/random-model.js'
import { installed } from '../support/packages/installed.js'
import { startProgram } from '../support/program.js'
import { GrammarSampler } from '../support/schemas/grammar-sampler.js'
import { pydanticSchemas } from '../support/schemas/pydantic-schemas.js'
import type { Schema } from '../support/schemas/schemas.js'
import { validates } from '../support/schemas/validates.js'
import { suiteLoader } from '../support/suite-engines.js'

// What generators of schemas make of types, and the tools of published MCP servers: installed here,
// asked, and each of their schemas compiled, sampled, and written by a random model.

type Named = readonly [name: string, schema: Schema]

const generators: Readonly<Record<string, readonly string[]>> = {
  zod4: ['zod@4.6.7'],
  zod3: ['zod@3.25.76', 'zod-to-json-schema@3.25.2'],
  typebox: ['@sinclair/typebox@0.34.52'],
  valibot: ['valibot@1.5.0', '@valibot/to-json-schema@1.8.0'],
  arktype: ['arktype@2.2.9'],
  effect: ['effect@3.22.4'],
  joi: ['joi@17.13.9', 'joi-to-json@5.0.5'],
  fluent: ['fluent-json-schema@6.0.1'],
  typescript: ['ts-json-schema-generator@2.9.0'],
  openapi: ['@octokit/openapi@23.0.2'],
}

/** Why each of those that are refused is: the end of its path. */
const refusals: Readonly<Record<string, string>> = {
  // Two patterns that no text matches, and an object of TypeBox that is no JSON Schema.
  'zod3 cidr (jsonSchema2019-09)': '.pattern',
  'typebox regexp': '.type',
  'arktype "string.date.iso"': '.pattern', // a back reference
  'pydantic setOfStr': '.uniqueItems',
}

const servers: readonly (readonly [name: string, version: string, ...args: string[]])[] = [
  ['@modelcontextprotocol/server-everything', '2026.8.31'],
  ['@modelcontextprotocol/server-filesystem', '2026.8.31', '.'],
  ['@modelcontextprotocol/server-memory', '2026.8.31'],
  ['@modelcontextprotocol/server-sequential-thinking', '2026.8.31'],
  ['@modelcontextprotocol/server-github', '2025.4.8'],
  ['@modelcontextprotocol/server-gitlab', '2025.4.25'],
  ['@modelcontextprotocol/server-slack', '2025.4.25'],
  ['@modelcontextprotocol/server-google-maps', '0.6.2'],
  ['@modelcontextprotocol/server-brave-search', '0.6.2'],
  ['@modelcontextprotocol/server-postgres', '0.6.2', 'postgresql://127.0.0.1:1/x'],
  ['@modelcontextprotocol/server-everart', '0.6.2'],
  ['@upstash/context7-mcp', '4.1.1'],
  ['@playwright/mcp', '0.0.83'],
  ['@notionhq/notion-mcp-server', '2.5.2'],
  ['mcp-server-kubernetes', '4.1.7'],
  ['chrome-devtools-mcp', '1.11.0'],
  ['@brave/brave-search-mcp-server', '2.1.4'],
  ['tavily-mcp', '0.2.22'],
  ['firecrawl-mcp', '3.26.0'],
  ['@eslint/mcp', '0.3.13'],
  ['@antv/mcp-server-chart', '0.9.10'],
  ['@angiejones/mcp-selenium', '0.2.3'],
  ['@cyanheads/git-mcp-server', '2.15.3'],
  ['exa-mcp-server', '3.4.1'],
  ['@drawio/mcp', '1.6.1'],
  ['figma-developer-mcp', '0.13.2', '--stdio'],
  ['mongodb-mcp-server', '3.0.4'],
  ['airtable-mcp-server', '1.14.0'],
  ['@elastic/mcp-server-elasticsearch', '0.3.1'],
]

/** Servers list their tools when they have some key; none of these opens anything. */
const keys = [
  'GITHUB_PERSONAL_ACCESS_TOKEN',
  'GITLAB_PERSONAL_ACCESS_TOKEN',
  'SLACK_BOT_TOKEN',
  'SLACK_TEAM_ID',
  'GOOGLE_MAPS_API_KEY',
  'BRAVE_API_KEY',
  'EVERART_API_KEY',
  'NOTION_TOKEN',
  'TAVILY_API_KEY',
  'FIRECRAWL_API_KEY',
  'EXA_API_KEY',
  'FIGMA_API_KEY',
  'AIRTABLE_API_KEY',
  'ES_API_KEY',
]
const env = {
  ...Object.fromEntries(keys.map((key) => [key, 'x'])),
  ES_URL: 'http://127.0.0.1:1',
  MDB_MCP_TELEMETRY: 'disabled',
}

async function output(program: string, args: readonly string[]): Promise<string> {
  const file = path.resolve('test/long/programs', program)
  const run = await startProgram(process.execPath, [file, ...args], { env }).result
  expect(run.code, run.stderr).toBe(0)
  return run.stdout
}

async function generated(generator: string, packages: readonly string[]): Promise<Named[]> {
  const text = await output('generate-schemas.mjs', [installed(packages), generator])
  return (JSON.parse(text) as Named[]).map(([name, schema]) => [`${generator} ${name}`, schema])
}

async function toolsOf([name, version, ...args]: (typeof servers)[number]): Promise<Named[]> {
  const folder = installed([`${name}@${version}`])
  const text = await output('list-mcp-tools.mjs', [folder, name, ...args])
  const tools = JSON.parse(text) as { name: string; inputSchema: Schema }[]
  return tools.map((tool) => [`${name} ${tool.name}`, tool.inputSchema])
}

/** Those that are taken, and the paths of the others. */
function sorted(schemas: readonly Named[]) {
  const taken: [name: string, schema: Schema, compiled: CompiledSchema][] = []
  const refused: [name: string, path: string][] = []
  for (const [name, schema] of schemas) {
    try {
      taken.push([name, schema, new CompiledSchema(schema)])
    } catch (error) {
      if (!(error instanceof InvalidSchemaError)) throw error
      refused.push([name, error.path])
    }
  }
  console.log(`${taken.length} of ${schemas.length} schemas taken; refused:`, refused)
  return { taken, refused }
}

/** Random texts of each grammar, written without any model. */
function sample(taken: readonly (readonly [string, Schema, CompiledSchema])[]): void {
  for (const [i, [name, schema, { grammar }]] of taken.entries()) {
    const sampler = new GrammarSampler(grammar, i)
    for (let round = 0; round < 10; round++) {
      const text = sampler.sample(round < 5 ? 15 : 80)
      const isValid = validates(schema, text)
      expect({ name, text, isValid }).toEqual({ name, text, isValid: true })
    }
  }
}

describe('schemas that others make', () => {
  const load = suiteLoader()

  /** Each is written by a random model; returns how many replies ended by themselves. */
  async function written(taken: readonly (readonly [string, Schema, CompiledSchema])[]) {
    const model = randomModel({ tokenizer: 'gpt-2', logitDeviation: 2, context: 4096, seed: 4 })
    const engine = await load({
      model,
      parallel: 16,
      context: 1024,
      queue: 4096,
      queueDeadlineMs: 3_600_000,
    })
    const ask = [{ role: 'user' as const, content: 'Say something' }]
    const replies = await Promise.all(
      taken.map(async ([name, schema, compiled], seed) => {
        const asked = { schema: compiled, temperature: 1.5, seed, maxTokens: 400 }
        const reply = engine.chat(ask, asked)
        const text = await reply.text()
        return { name, schema, text, reason: (await reply.done).finishReason }
      }),
    )
    const ended = replies.filter(({ reason }) => reason === 'stop')
    console.log(`${ended.length} of ${replies.length} replies ended by themselves`)
    const invalid = ended.filter(({ schema, text }) => !validates(schema, text))
    expect(invalid).toEqual([])
    return ended.length / replies.length
  }

  test('by ten generators, and by pydantic, are taken and kept to: 97 in 100', async () => {
    const lists: Named[] = []
    for (const [generator, packages] of Object.entries(generators)) {
      lists.push(...(await generated(generator, packages)))
    }
    lists.push(
      ...Object.entries(pydanticSchemas).map(
        ([name, schema]): Named => [`pydantic ${name}`, schema],
      ),
    )
    expect(lists.length).toBeGreaterThan(600)
    const { taken, refused } = sorted(lists)
    expect(taken.length / lists.length).toBeGreaterThan(0.97)
    for (const [name, at] of refused) expect(at).toMatch(new RegExp(`${refusals[name]}$`))
    expect(refused.map(([name]) => name).sort()).toEqual(Object.keys(refusals).sort())
    sample(taken)
    expect(await written(taken)).toBeGreaterThan(0.6)
  })

  test("of MCP servers' tools are all taken, by every kind of template, and kept to", async () => {
    const lists: Named[] = []
    for (const server of servers) lists.push(...(await toolsOf(server)))
    expect(lists.length).toBeGreaterThan(350)
    const { taken, refused } = sorted(lists)
    expect(refused).toEqual([])
    for (const [, schema] of lists) {
      checkWellFormed(schema, 'parameters')
      for (const format of ['json', 'tagged', 'gemma', 'other'] as const) {
        toolGrammar(schema, 'parameters', { format, isStrict: false })
      }
    }
    sample(taken)
    expect(await written(taken)).toBeGreaterThan(0.3)
  })
})
