// The tools of an MCP server: npm install @modelcontextprotocol/sdk
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { load, mcpTools, runTools } from 'sluice'

// A model that calls tools, such as Qwen3. The small model of the package does not.
const engine = await load({ model: process.argv[2] ?? 'model.gguf' })

const args = ['-y', '@modelcontextprotocol/server-everything', 'stdio']
const client = new Client({ name: 'my-app', version: '1.0.0' })
await client.connect(new StdioClientTransport({ command: 'npx', args, stderr: 'ignore' }))

const tools = await mcpTools(client)
const run = runTools(engine, [{ role: 'user', content: 'What is 2 + 40?' }], { tools })
for await (const { text, toolResult } of run) {
  if (toolResult) console.log(toolResult.name, toolResult.arguments, toolResult.content)
  process.stdout.write(text)
}

console.log(`\n(${Object.keys(tools).length} tools)`)
await client.close()
await engine.close()
