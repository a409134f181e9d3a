import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve as serveHono } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { All, Controller, Module, Req, Res } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import compression from 'compression'
import cors from 'cors'
import express from 'express'
import fastify, { type FastifyInstance } from 'fastify'
import { Hono } from 'hono'
import type { RequestListener } from '../../../src/http/index.js'
import { alsoClose } from '../../support/serve.js'

// Apps that a listener is mounted in, each in the way that its users would, on a free port.

type WithBody = IncomingMessage & { body?: unknown }

export interface Host {
  readonly name: string
  /** What requests have in front of the routes, as clients see it. */
  readonly path: string
  /** The option `prefix` that it needs; undefined where the framework cuts the path. */
  readonly prefix?: string
  /** @returns the address of the app */
  readonly start: (listener: RequestListener) => Promise<string>
}

export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closeWith(server)
  return addressOf(server)
}

function closeWith(server: Server): void {
  alsoClose(async () => {
    server.closeAllConnections()
    server.close()
  })
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function onExpress(use: (app: express.Express, listener: RequestListener) => void) {
  return async (listener: RequestListener) => {
    const app = express()
    use(app, listener)
    app.use((_req, res) => void res.status(404).send("the app's own 404"))
    return listen(createServer(app))
  }
}

const inFront = [express.json(), compression(), cors()]

function onFastify(use: (app: FastifyInstance, listener: RequestListener) => void) {
  return async (listener: RequestListener) => {
    const app = fastify({ forceCloseConnections: true })
    use(app, listener)
    alsoClose(() => app.close())
    return app.listen({ port: 0, host: '127.0.0.1' })
  }
}

type Honoed = { Bindings: { incoming: WithBody; outgoing: ServerResponse } }

function onHono(path: string, isRead = false) {
  return async (listener: RequestListener) => {
    const app = new Hono<Honoed>()
    app.all(path, async (c) => {
      const { incoming, outgoing } = c.env
      if (isRead) incoming.body = await c.req.json()
      listener(incoming, outgoing)
      return RESPONSE_ALREADY_SENT
    })
    let server: Server | undefined
    await new Promise<void>((resolve) => {
      const options = { fetch: app.fetch, port: 0, hostname: '127.0.0.1' }
      server = serveHono(options, () => resolve()) as Server
    })
    if (server === undefined) throw new Error('Hono made no server')
    closeWith(server)
    return addressOf(server)
  }
}

class App {}

/** The decorators are called as functions here: what compiles the tests knows none. */
function controllerOf(listener: RequestListener) {
  class Ai {
    all(req: IncomingMessage, res: ServerResponse): void {
      listener(req, res)
    }
  }
  Req()(Ai.prototype, 'all', 0)
  Res()(Ai.prototype, 'all', 1)
  const method = Object.getOwnPropertyDescriptor(Ai.prototype, 'all') as PropertyDescriptor
  All('*path')(Ai.prototype, 'all', method)
  Controller('ai')(Ai)
  return Ai
}

async function onNest(listener: RequestListener, isController: boolean): Promise<string> {
  const module = class extends App {}
  Module({ controllers: isController ? [controllerOf(listener)] : [] })(module)
  const app = await NestFactory.create(module, { logger: false })
  app.setGlobalPrefix('api')
  if (!isController) app.use('/api/ai', listener)
  await app.listen(0, '127.0.0.1')
  alsoClose(async () => {
    app.getHttpServer().closeAllConnections()
    await app.close()
  })
  return app.getUrl()
}

async function readIt(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** As Next's pages router calls `pages/api/ai/[...path].js`: the body read, the path whole. */
async function onNextPages(listener: RequestListener): Promise<string> {
  return listen(
    createServer(async (req: WithBody, res) => {
      const text = (await readIt(req)).toString()
      const query = { path: req.url?.split('/').slice(3) }
      Object.assign(req, { query, cookies: {}, body: text === '' ? '' : JSON.parse(text) })
      listener(req, res)
    }),
  )
}

export const hosts: readonly Host[] = [
  { name: 'node:http', path: '', start: (listener) => listen(createServer(listener)) },
  {
    name: 'node:http below a path',
    path: '/tools/ai',
    prefix: '/tools/ai',
    start: (listener) =>
      listen(
        createServer((req, res) => {
          if (req.url?.startsWith('/tools/ai/')) listener(req, res)
          else res.writeHead(404).end("the app's own 404")
        }),
      ),
  },
  {
    name: 'Express behind express.json(), compression() and cors()',
    path: '',
    start: onExpress((app, listener) => app.use(...inFront, listener)),
  },
  {
    name: 'Express below a path, which it cuts',
    path: '/ai',
    start: onExpress((app, listener) => app.use(...inFront).use('/ai', listener)),
  },
  {
    name: 'Express in routers of routers',
    path: '/a/b',
    start: onExpress((app, listener) =>
      app.use(...inFront).use('/a', express.Router().use('/b', listener)),
    ),
  },
  {
    name: 'Express by a route, which it does not cut',
    path: '/api/fox/ai',
    prefix: '/api/:tenant/ai',
    start: onExpress((app, listener) => app.use(...inFront).all('/api/:tenant/ai/*path', listener)),
  },
  {
    name: 'Express at /v1',
    path: '',
    start: onExpress((app, listener) => app.use(...inFront).use('/v1', listener)),
  },
  {
    name: 'Fastify by its own request and reply',
    path: '',
    start: onFastify((app, listener) => app.all('/v1/*', listener)),
  },
  {
    name: 'Fastify in a plugin with a prefix',
    path: '/ai',
    prefix: '/ai',
    start: onFastify((app, listener) =>
      app.register(async (scope) => void scope.all('/v1/*', listener), { prefix: '/ai' }),
    ),
  },
  {
    name: 'Fastify by what is raw, with its body handed over',
    path: '',
    start: onFastify((app, listener) =>
      app.all('/v1/*', (request, reply) => {
        reply.hijack()
        listener(Object.assign(request.raw, { body: request.body }), reply.raw)
      }),
    ),
  },
  {
    name: 'Fastify in a hook, before its parser',
    path: '/ai',
    prefix: '/ai',
    start: onFastify((app, listener) => app.addHook('onRequest', listener)),
  },
  { name: 'Hono', path: '', start: onHono('/v1/*') },
  { name: 'Hono below a path', path: '/ai', prefix: '/ai', start: onHono('/ai/*') },
  {
    name: 'Hono behind what reads the body',
    path: '/ai',
    prefix: '/ai',
    start: onHono('/ai/*', true),
  },
  {
    name: 'NestJS before its body parser',
    path: '/api/ai',
    start: (listener) => onNest(listener, false),
  },
  {
    name: 'NestJS in a controller with a global prefix',
    path: '/api/ai',
    prefix: 'api/ai',
    start: (listener) => onNest(listener, true),
  },
  {
    name: "Next's pages router",
    path: '/api/ai',
    prefix: '/api/ai',
    start: onNextPages,
  },
]
