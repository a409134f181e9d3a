// Loads the model named by its first argument, with the addon named by its second one, with chat
// templates that are deeper than any stack carries, and with one that is not. Prints as JSON what
// became of each: { nested, endless, plain }.
import { createRequire } from 'node:module'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '../../..')
const { useBinding } = await import(path.join(root, 'dist/binding/binding.js'))
const { load } = await import(path.join(root, 'dist/index.js'))
const [model, addon] = process.argv.slice(2)
useBinding(createRequire(import.meta.url)(path.join(root, addon)))

const messages = [{ role: 'user', content: 'Good evening' }]

async function outcomeOf(chatTemplate) {
  const options = { model, threads: 1, parallel: 1, context: 256, cacheMiB: 0, chatTemplate }
  let engine
  try {
    engine = await load(options)
    return await engine.applyTemplate(messages)
  } catch (error) {
    return error.message
  } finally {
    await engine?.close()
  }
}

const nested = await outcomeOf(`{{ ${'('.repeat(2100)}1${')'.repeat(2100)} }}`)
const again = '{% macro again(x) %}{{ again(x) }}{% endmacro %}'
// Not before somebody asks for it, or the engine would not load.
const endless = await outcomeOf(
  `${again}{% if messages[0].content == 'Good evening' %}{{ again(1) }}{% endif %}`,
)
const plain = await outcomeOf('{% for m in messages %}{{ m.role ~ ": " ~ m.content }}{% endfor %}')
console.log(JSON.stringify({ nested, endless, plain }))
