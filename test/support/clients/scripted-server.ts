import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Answer, answerTo, wholeAnswer } from './cases.js'
import { unstreamed, type Wire } from './frames.js'

/** One request that was answered by a case's script. */
export interface Asked {
  /** `/WAY/CASE` */
  readonly place: string
  /** By Date.now(). */
  readonly at: number
  /** When its connection closed before it was answered whole; by Date.now(). */
  leftAt: number | undefined
  readonly body: string
}

export interface ScriptedServer {
  /** `${url}/WAY/CASE` is the address of a server that does as the case says. */
  readonly url: string
  readonly asked: readonly Asked[]
  close(): Promise<void>
}

/** A tool that a client has, and its argument, for the call that is cut. */
export interface ToolNames {
  readonly name: string
  readonly argument: string
}

const paths: readonly [RegExp, Wire][] = [
  [/\/chat\/completions$/, 'chat'],
  [/\/responses$/, 'responses'],
  [/\/messages$/, 'messages'],
]
const repeatMs = 20
const hasTools = /"tools": ?\[\{/
const isStreamed = /"stream": ?true/

/** A server that knows no model: which case a request is told is in its path. */
export async function startScripted(
  tool: ToolNames = { name: 'get_weather', argument: 'city' },
): Promise<ScriptedServer> {
  const asked: Asked[] = []
  const server = createServer((req, res) => {
    void answer(req, res, asked, tool)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  req: IncomingMessage,
  res: ServerResponse,
  all: Asked[],
  { name, argument }: ToolNames,
): Promise<void> {
  const at = Date.now()
  const { pathname } = new URL(req.url ?? '', 'http://here')
  const [, way = '', caseName = ''] = pathname.split('/')
  const wire = paths.find(([ends]) => ends.test(pathname))?.[1]
  let body = ''
  for await (const chunk of req) body += chunk
  const scripted = wire === undefined ? undefined : answerTo(caseName, wire)
  if (wire === undefined || scripted === undefined) {
    res.writeHead(404, { 'content-type': 'application/json' }).end('{"error":{"message":"no"}}')
    return
  }
  // Agents ask for a title too, and have no tools there.
  if (!hasTools.test(body)) return send(wholeAnswer(wire), res)
  const place = decodeURIComponent(`/${way}/${caseName}`)
  const isFirst = !all.some((one) => one.place === place)
  const asked: Asked = { place, at, leftAt: undefined, body }
  all.push(asked)
  res.once('close', () => {
    if (!res.writableFinished) asked.leftAt = Date.now()
  })
  const named = (text: string) => text.replaceAll('get_weather', name).replaceAll('city', argument)
  if (isFirst) return send(scripted, res, named)
  // Claude Code asks again without a stream.
  if (isStreamed.test(body)) return send(wholeAnswer(wire), res)
  res.writeHead(200, { 'content-type': 'application/json' })
  res.end(JSON.stringify(unstreamed[wire]))
}

async function send(
  { status = 200, headers, first }: Answer,
  res: ServerResponse,
  named = (text: string) => text,
): Promise<void> {
  res.writeHead(status, headers ?? { 'content-type': 'text/event-stream' })
  res.write(named(first.text))
  while (first.repeated !== undefined && !res.destroyed) {
    res.write(first.repeated)
    await sleep(repeatMs)
  }
  res.end()
}
