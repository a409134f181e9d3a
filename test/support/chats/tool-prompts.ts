import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { type Engine, load } from '../../../src/index.js'
import { randomModel } from '../models/random-model.js'
import { type ToolShape, textsOf } from './tool-shapes.js'

const templates = path.join(
  process.env.LLAMA_CPP_DIR ?? path.join(import.meta.dirname, '../../../deps/llama.cpp'),
  'models/templates',
)

/** The real templates by their files' names. */
export function templateFiles(): string[] {
  return readdirSync(templates).filter((file) => file.endsWith('.jinja'))
}

/** A random model with one of them. */
export function withTemplate(file: string, context = 65_536): Promise<Engine> {
  return load({
    model: randomModel({ seed: 5, context: 400_000 }),
    chatTemplate: readFileSync(path.join(templates, file), 'utf8'),
    context,
    parallel: 1,
    queueDeadlineMs: 600_000,
    onWarning: () => undefined,
  })
}

const description = 'Does what is asked'

/** What of a tool's names and descriptions is not in its prompt. */
export async function lostOf(engine: Engine, { parameters }: ToolShape): Promise<string[]> {
  const tools = [{ name: 'do_it', description, parameters }]
  const prompt = await engine.applyTemplate([{ role: 'user', content: 'Hi' }], { tools })
  const has = (text: string) => formsOf(text).some((form) => prompt.includes(form))
  const lines = (text: string) => text.split('\n').map((line) => line.trim())
  return ['do_it', description, ...textsOf(parameters)].filter((text) => {
    return !has(text) && !lines(text).every(has)
  })
}

/** As templates write a text: as it is, within JSON, and within JSON that is within JSON. */
function formsOf(text: string): string[] {
  const inJson = (one: string) => JSON.stringify(one).slice(1, -1)
  const ascii = inJson(text).replace(/[^\x20-\x7e]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
  return [text, inJson(text), inJson(inJson(text)), ascii, inJson(ascii)]
}
