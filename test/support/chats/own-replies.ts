/** What a server says of itself, cut at every token, and sent back to it. */

export interface WireMessage {
  readonly role: string
  readonly content: string | null
  readonly reasoning_content?: string
  readonly tool_calls?: { id: string; function: { name: string; arguments: string } }[]
}

interface Wire {
  readonly choices: { message: WireMessage; finish_reason: string }[]
  readonly error?: { message: string }
}

/** Ways to ask for a reply; all but the first have tools. */
export const askings = {
  text: {},
  thoughts: { reasoning_budget_tokens: 3 },
  'one call': { tool_choice: 'required', parallel_tool_calls: false, reasoning_effort: 'none' },
  'two calls': { tool_choice: 'required', reasoning_effort: 'none' },
  'thoughts and a call': { tool_choice: 'required', reasoning_budget_tokens: 3 },
} as const

const tools = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      description: 'Tells the weather',
      parameters: {
        type: 'object',
        properties: {
          city: { type: 'string', enum: ['Rome', 'Zürich "am See"'] },
          days: { type: 'array', items: { type: 'integer', maximum: 9 }, maxItems: 2 },
          exact: { type: 'boolean' },
        },
        required: ['city', 'days', 'exact'],
        additionalProperties: false,
      },
    },
  },
]
const question = { role: 'user', content: 'What is the weather like?' }

export interface Tally {
  /** Replies that were sent back, and those of them that were cut. */
  sent: number
  cut: number
  /** What was refused, each with the reply. */
  refused: string[]
}

/**
 * One way of asking: replies of 1 token, 2 tokens, and so on until one ends by itself or `most` are
 * reached, each sent back with what a client adds.
 */
export async function sendBack(
  url: string,
  asking: keyof typeof askings,
  { most, seed, every = 1 }: { most: number; seed: number; every?: number },
  tally: Tally,
): Promise<void> {
  const calls = asking.includes('call')
  const fields = { ...askings[asking], ...(calls ? { tools } : {}) }
  for (let tokens = 1; tokens <= most; tokens += every) {
    const sampling = { max_tokens: tokens, seed, temperature: 1.5 }
    const asked = await ask(url, { messages: [question], ...fields, ...sampling })
    const [choice] = asked.body.choices ?? []
    if (choice === undefined) {
      tally.refused.push(`asked for ${asking}: ${asked.body.error?.message}`)
      return
    }
    const { message } = choice
    for (const added of additions(message)) {
      const messages = [question, message, ...added]
      const back = await ask(url, { messages, ...(calls ? { tools } : {}), max_tokens: 1 })
      tally.sent++
      if (choice.finish_reason === 'length') tally.cut++
      if (back.status !== 200) {
        tally.refused.push(`${JSON.stringify(messages)}: ${back.body.error?.message}`)
      }
    }
    if (choice.finish_reason !== 'length') return
  }
}

/** The tools' answers, alone and with the next user's message, and that without an answer. */
function additions({ tool_calls: calls = [] }: WireMessage): object[][] {
  const user = { role: 'user', content: 'Go on.' }
  const answers = calls.map(({ id }) => ({ role: 'tool', tool_call_id: id, content: 'rain' }))
  return calls.length === 0 ? [[user]] : [answers, [...answers, user], [user]]
}

async function ask(url: string, fields: object): Promise<{ status: number; body: Wire }> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'default', ...fields }),
  })
  return { status: response.status, body: (await response.json()) as Wire }
}
