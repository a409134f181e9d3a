import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import type { ReadableStream as NodeStream } from 'node:stream/web'
import { embeddedModel, load, type Reply, type ReplyPart } from 'sluice'
import { type FetchHandler, fetchHandler, requestListener } from 'sluice/http'

// The streams of a reply, and a handler of web requests, handed to what Node declares and to what
// browsers do.

const engine = await load({ model: embeddedModel })
const reply = (): Reply => engine.complete('Once upon a time', { maxTokens: 20, seed: 1 })
const text = await reply().text()

const body = new Response(reply().toTextStream())
const bytes: Uint8Array[] = []
for await (const chunk of Readable.fromWeb(reply().toTextStream())) bytes.push(chunk)
const ofNode: NodeStream<ReplyPart> = reply().toWeb()
const ofGlobal: ReadableStream = reply().toTextStream()
let parts = ''
const reader = ofNode.getReader()
for (let step = await reader.read(); !step.done; step = await reader.read())
  parts += step.value.text
await ofGlobal.cancel()
const decoded = reply().toTextStream().pipeThrough(new TextDecoderStream())
let piped = ''
const pieces = decoded.getReader()
for (let step = await pieces.read(); !step.done; step = await pieces.read()) piped += step.value

const isSame = [await body.text(), Buffer.concat(bytes).toString(), parts, piped]
const { completionTokens } = (await reply().done).usage
console.log(...isSame.map((one) => one === text), completionTokens)
createServer(requestListener({ engine }))

const handler: FetchHandler = fetchHandler({ engine })
const standard: (request: Request) => Promise<Response> = handler
const health: Response = await standard(new Request('http://localhost/health'))
if (!health.ok) throw new Error(await health.text())
await handler.close()
await engine.close()
