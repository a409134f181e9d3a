import { decisionChecks } from './ai-decisions.mjs'
import { apiKey, baseURL, from, runChecks } from './checks.mjs'

// The AI SDK's decisions, by OpenAI's provider and by TypeSafe's.

const { createOpenAI } = await from('@ai-sdk/openai')
const { createTypeSafeAi } = await from('@ai-sdk/typesafe-ai')

const openai = createOpenAI({ apiKey, baseURL }).decisionModel('default')
const typesafe = createTypeSafeAi({ apiKey, baseURL }).evaluationModel('default')

await runChecks({
  ...decisionChecks('openai', openai),
  ...decisionChecks('typesafe', typesafe),
})
