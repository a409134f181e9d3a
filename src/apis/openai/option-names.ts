/** Names of the engine's options on the wire, where they are not their own in its spelling. */
const otherNames = {
  'reasoning.enabled': 'chat_template_kwargs.enable_thinking',
  'reasoning.effort': 'reasoning_effort',
  'reasoning.budget': 'reasoning_budget_tokens',
  'reasoning.budgetMessage': 'reasoning_budget_message',
  continueFinal: 'continue_final_message',
  stopTokens: 'stop_token_ids',
  'toolChoice.name': 'tool_choice.function.name',
  'toolChoice.names': 'tool_choice.allowed_tools.tools',
  templateArguments: 'chat_template_kwargs',
} as const

const byOption = new Map<string, string>(Object.entries(otherNames))

type Spelt<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${Spelt<Rest>}`
  : Name

/** `topP` is `top_p`. */
export type WireName<Option extends string> = Option extends keyof typeof otherNames
  ? (typeof otherNames)[Option]
  : Spelt<Option>

/** `topP` is `top_p` on the wire, and `tools[0].name` is `tools[0].function.name`. */
export function wireName<Option extends string>(option: Option): WireName<Option> {
  return named(option) as WireName<Option>
}

/** A tool's path, `tools[0].name`, with the object that OpenAI puts around its fields. */
export function ofFunction(path: string): string {
  return path.replace(/^(tools\[\d+\])\./, '$1.function.')
}

function named(option: string): string {
  const other = byOption.get(option)
  if (other !== undefined) return other
  // What stands below is the request's own, as it is spelt there.
  const [, whole = option, below = ''] =
    /^(templateArguments|logitBias|stopTokens)(.*)$/s.exec(option) ?? []
  if (below !== '') return `${named(whole)}${below}`
  const name = option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  return ofFunction(ofMessage(name))
}

/** Of a conversation: `messages[0].reasoning` and `messages[0].tool_calls[0].name`. */
function ofMessage(path: string): string {
  return path
    .replace(/^(messages\[\d+\])\.reasoning$/, '$1.reasoning_content')
    .replace(/^(messages\[\d+\]\.tool_calls\[\d+\])\.(name|arguments)$/, '$1.function.$2')
}
