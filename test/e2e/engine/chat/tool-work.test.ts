import { expect, test } from 'vitest'
import { load } from '../../../../src/index.js'
import { templateText } from '../../../support/chats/templates.js'
import { randomModel } from '../../../support/models/random-model.js'

// What finding out how a template must be shown tools may take.

const hello = [{ role: 'user' as const, content: 'Hi' }]
// Less than one run may take; to find out takes three at least, which is more.
const long =
  "{%- if tools and tools[0].function.name == 'long' %}{% for i in range(1500) %}" +
  '{% for j in range(1500) %}{{ loop.index }}{% endfor %}{% endfor %}{% endif %}'

test('tools for which a template takes too long are refused, and no other tools are', async () => {
  await using engine = await load({
    model: randomModel({ seed: 5 }),
    chatTemplate: long + templateText('Qwen-Qwen2.5-7B-Instruct.jinja'),
    parallel: 1,
  })
  const parameters = { type: 'object', properties: { city: { type: 'string' } } }
  const tools = [{ name: 'long', parameters }]
  const refused = {
    code: 'ERR_INVALID_REQUEST',
    message: expect.stringContaining('takes too long for these 1 tools'),
  }
  await expect(engine.chat(hello, { tools }).done).rejects.toMatchObject(refused)
  const short = await engine.applyTemplate(hello, { tools: [{ name: 'short', parameters }] })
  expect(short).toContain('city')
  expect((await engine.chat(hello, { maxTokens: 1 }).done).finishReason).toBe('length')
})
