import { readFileSync } from 'node:fs'
import { load } from 'sluice'
import { ask, model } from './common.mjs'

const file = `${process.env.LLAMA_CPP_DIR}/models/templates/Qwen-Qwen2.5-7B-Instruct.jinja`
const engine = await load({ model, chatTemplate: readFileSync(file, 'utf8'), context: 2048 })
// A pattern that llama.cpp cannot make a grammar of, and says so.
const secret = { type: 'string', pattern: '^(?=my-secret)a$' }
const tools = [{ name: 'run', parameters: { type: 'object', properties: { secret } } }]
const { finishReason } = await engine.chat(ask, { tools, maxTokens: 5 }).done
process.send({ finishReason }, () => process.disconnect())
