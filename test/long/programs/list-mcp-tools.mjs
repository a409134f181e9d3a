// Starts an MCP server and prints the tools it lists, as JSON: `node list-mcp-tools.mjs FOLDER
// PACKAGE [ARGUMENT ...]`, where FOLDER has it in its node_modules. Nothing is called.

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import readline from 'node:readline'

const [folder, name, ...args] = process.argv.slice(2)
const home = path.join(folder, 'node_modules', name)
const { bin } = JSON.parse(fs.readFileSync(path.join(home, 'package.json'), 'utf8'))
const program = typeof bin === 'string' ? bin : Object.values(bin)[0]
const server = spawn(process.execPath, [path.join(home, program), ...args], {
  cwd: folder,
  stdio: ['pipe', 'pipe', 'ignore'],
})
const waiting = new Map()
readline.createInterface({ input: server.stdout }).on('line', (line) => {
  let message
  try {
    message = JSON.parse(line)
  } catch {
    return // a line of its log
  }
  waiting.get(message.id)?.(message)
})
let last = 0

function send(method, params, isRequest = true) {
  const id = isRequest ? ++last : undefined
  const message = { jsonrpc: '2.0', ...(isRequest ? { id } : {}), method, params }
  server.stdin.write(`${JSON.stringify(message)}\n`)
  return isRequest ? new Promise((resolve) => waiting.set(id, resolve)) : undefined
}

const timer = setTimeout(() => end(1, `${name} did not answer`), 60_000)

function end(code, text) {
  clearTimeout(timer)
  server.kill('SIGKILL')
  ;(code === 0 ? process.stdout : process.stderr).write(text, () => process.exit(code))
}

server.on('exit', (code) => end(1, `${name} ended with ${code}`))
server.stdin.on('error', () => undefined)
const client = { name: 'sluice-test', version: '1.0.0' }
await send('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: client })
send('notifications/initialized', {}, false)
const tools = []
for (let cursor; ; ) {
  const { result, error } = await send('tools/list', cursor === undefined ? {} : { cursor })
  if (error !== undefined) end(1, JSON.stringify(error))
  tools.push(...(result?.tools ?? []))
  cursor = result?.nextCursor
  if (cursor === undefined) break
}
end(0, JSON.stringify(tools))
