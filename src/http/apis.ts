import { anthropic } from '../apis/anthropic/api.js'
import type { Api } from '../apis/api.js'
import { llamaServer } from '../apis/llama-server/api.js'
import { lmStudio } from '../apis/lm-studio/api.js'
import { ollama } from '../apis/ollama/api.js'
import { openAi } from '../apis/openai/api.js'
import { typeSafe } from '../apis/typesafe/api.js'

/** The protocols that are spoken. The first is also that of the server's own endpoints. */
export const apis: readonly [Api, ...Api[]] = [
  openAi,
  llamaServer,
  anthropic,
  typeSafe,
  ollama,
  lmStudio,
]
