import { afterAll, expect, test } from 'vitest'
import { mcpTools } from '../support/chats/mcp-tools.js'
import { lostOf, templateFiles, withTemplate } from '../support/chats/tool-prompts.js'
import { malformedShapes, validShapes } from '../support/chats/tool-shapes.js'

// Each of llama.cpp's templates that knows tools x each shape of a schema, and an agent's tools.

const hello = [{ role: 'user' as const, content: 'Hi' }]
const counts = { templates: 0, 'without tools': 0, prompts: 0, refused: 0, lost: 0 }

test.each(templateFiles())(
  'the template %s writes each name and description of each shape, and its reply is read',
  async (file) => {
    const engine = await withTemplate(file)
    try {
      if (!engine.model.canCallTools) {
        counts['without tools']++
        return
      }
      counts.templates++
      const failed: unknown[] = []
      for (const shape of [...validShapes, ...malformedShapes]) {
        counts.prompts++
        try {
          const lost = await lostOf(engine, shape)
          if (lost.length > 0) counts.lost++
          if (lost.length > 0) failed.push([shape.name, lost])
          const tools = [{ name: 'do_it', parameters: shape.parameters }]
          const reply = engine.chat(hello, { tools, maxTokens: 1 })
          await reply.accepted
          reply.cancel()
          await reply.done
        } catch (error) {
          counts.refused++
          failed.push([shape.name, error])
        }
      }
      expect(failed).toEqual([])
    } finally {
      await engine.close()
    }
  },
  300_000,
)

test.each(templateFiles())(
  'the template %s takes 150 tools of 200 KiB',
  async (file) => {
    const engine = await withTemplate(file, 600_000)
    try {
      if (!engine.model.canCallTools) return
      const tools = mcpTools(150, 200 * 1024)
      const reply = engine.chat(hello, { tools, maxTokens: 1 })
      await reply.accepted
      expect(reply.notes).toEqual([])
      reply.cancel()
      await reply.done
    } finally {
      await engine.close()
    }
  },
  600_000,
)

afterAll(() => console.info(`tools' schemas x templates: ${JSON.stringify(counts)}`))
