// OpenAI's API inside a NestJS app: paths below `/api/ai` are the engine's, the rest is yours.
import { fileURLToPath } from 'node:url'
import { Controller, Get, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { load } from 'sluice'
import { requestListener } from 'sluice/http'

const model = fileURLToPath(import.meta.resolve('sluice/models/storyteller.gguf'))
const engine = await load({ model })
const listener = requestListener({ engine })

class PageController {
  page() {
    return 'the page of your app'
  }
}

class AppModule {
  async beforeApplicationShutdown() {
    await listener.drain({ deadlineMs: 9_000 }) // replies end, or are told that there is no time
  }
  async onApplicationShutdown() {
    await engine.close()
  }
}

// In TypeScript: @Controller(), @Get() and @Module({ ... }) above the classes and the method.
const page = Object.getOwnPropertyDescriptor(PageController.prototype, 'page')
Get()(PageController.prototype, 'page', /** @type {PropertyDescriptor} */ (page))
Controller()(PageController)
Module({ controllers: [PageController] })(AppModule)

const app = await NestFactory.create(AppModule, {
  forceCloseConnections: true, // once the replies have ended
  logger: ['error', 'warn'],
})
app.use('/api/ai', listener)
app.enableShutdownHooks() // SIGTERM closes the app

const port = Number(process.env.PORT ?? 8080)
await app.listen(port, '127.0.0.1')
console.log(`http://127.0.0.1:${port}/api/ai/v1`)
