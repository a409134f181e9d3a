import { AIMessage, type BaseMessage, type ToolMessage } from '@langchain/core/messages'
import type { OpenAiMessage } from '../api/openai-types.js'

/** In OpenAI's words, which the engine takes. */
export function messageOf(message: BaseMessage): OpenAiMessage {
  const { type, content } = message
  if (type === 'tool') {
    const { tool_call_id, name } = message as ToolMessage
    return { role: 'tool', content, tool_call_id, ...(name === undefined ? {} : { name }) } as never
  }
  if (AIMessage.isInstance(message)) {
    const { tool_calls = [], invalid_tool_calls = [], additional_kwargs, text } = message
    const { reasoning_content: reasoning } = additional_kwargs
    const calls = [...tool_calls, ...invalid_tool_calls].map(({ id, name, args }) => {
      return { id, name, arguments: args }
    })
    return {
      role: 'assistant',
      content: text,
      ...(typeof reasoning === 'string' ? { reasoning_content: reasoning } : {}),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    } as never
  }
  const role = type === 'human' ? 'user' : ((message as { role?: string }).role ?? type)
  return { role, content } as never
}
