import type {
  LanguageModelV3Message,
  LanguageModelV3Prompt,
  LanguageModelV3ToolResultOutput,
  LanguageModelV3ToolResultPart,
  SharedV3Warning,
} from '@ai-sdk/provider'
import type { ChatMessage, PastToolCall } from '../api/types.js'
import { failedAnswer } from '../options/other-words/failed-answer.js'
import { leftOutText } from '../options/other-words/message-content.js'
import { isRecord } from '../options/other-words/tool-choice.js'
import { UnsupportedFunctionalityError } from './errors.js'

type AssistantContent = Extract<LanguageModelV3Message, { role: 'assistant' }>['content']

/** As far as it is read; the AI SDK 7 has it in other forms besides. */
export interface FilePart {
  readonly mediaType: string
  readonly data: unknown
}

interface Conversation {
  readonly messages: ChatMessage[]
  /** Of each message: the place in the prompt of the one that it was made of. */
  readonly places: number[]
}

/**
 * The AI SDK's prompt as a conversation of the engine's.
 * @param warnings what the model is not told of is added
 * @throws UnsupportedFunctionalityError for a file that is no text
 */
export function conversationOf(
  prompt: LanguageModelV3Prompt,
  warnings: SharedV3Warning[],
): Conversation {
  const made = prompt.map((message) => messagesOf(message, warnings))
  return { messages: made.flat(), places: made.flatMap((some, place) => some.map(() => place)) }
}

function messagesOf(message: LanguageModelV3Message, warnings: SharedV3Warning[]): ChatMessage[] {
  switch (message.role) {
    case 'system':
      return [{ role: 'system', content: message.content }]
    case 'user': {
      const texts = message.content.flatMap((part) => {
        switch (part.type) {
          case 'text':
            return [part.text]
          case 'file':
            return [textOfFile(part)]
          default:
            warnings.push(unknownPart(part)) // of a later version
            return []
        }
      })
      return [{ role: 'user', content: texts.join('\n') }]
    }
    case 'assistant':
      return assistantMessages(message.content, warnings)
    case 'tool':
      return message.content.flatMap((part) => {
        if (part.type === 'tool-result') return [answerOf(part)]
        warnings.push(unknownPart(part))
        return []
      })
  }
}

export function unknownPart({ type }: { readonly type: string }): SharedV3Warning {
  return { type: 'unsupported', feature: `a message's part of type ${type}` }
}

/** What tools answered within an assistant's turn, as other providers' do, ends a message. */
function assistantMessages(content: AssistantContent, warnings: SharedV3Warning[]): ChatMessage[] {
  const messages: ChatMessage[] = []
  let turn = new AssistantTurn()
  for (const part of content) {
    switch (part.type) {
      case 'text':
        turn.text += part.text
        break
      case 'reasoning':
        turn.reasoning += part.text
        break
      case 'tool-call': {
        const { toolCallId: id, toolName: name, input } = part
        turn.calls.push({ id, name, arguments: argumentsOf(input) })
        break
      }
      case 'tool-result':
        messages.push(...turn.messages, answerOf(part))
        turn = new AssistantTurn()
        break
      case 'file':
        turn.text += textOfFile(part)
        break
      default:
        warnings.push(unknownPart(part)) // of a later version
    }
  }
  return messages.length === 0 ? [turn.message] : [...messages, ...turn.messages]
}

/** What an assistant said in one message. */
class AssistantTurn {
  text = ''
  reasoning = ''
  readonly calls: PastToolCall[] = []

  get message(): ChatMessage {
    return {
      role: 'assistant',
      content: this.text,
      ...(this.reasoning === '' ? {} : { reasoning: this.reasoning }),
      ...(this.calls.length === 0 ? {} : { toolCalls: this.calls }),
    }
  }

  get messages(): ChatMessage[] {
    const isEmpty = this.text === '' && this.reasoning === '' && this.calls.length === 0
    return isEmpty ? [] : [this.message]
  }
}

/** Of a call that could not be read the AI SDK keeps the text that the model wrote. */
function argumentsOf(input: unknown): string | Record<string, unknown> {
  if (typeof input === 'string' || isRecord(input)) return input
  return JSON.stringify(input) ?? '{}'
}

function answerOf({ toolCallId, toolName, output }: LanguageModelV3ToolResultPart): ChatMessage {
  return { role: 'tool', toolCallId, name: toolName, content: textOfOutput(output) }
}

function textOfOutput(output: LanguageModelV3ToolResultOutput): string {
  switch (output.type) {
    case 'text':
      return output.value
    case 'json':
      return JSON.stringify(output.value)
    case 'error-text':
      return failedAnswer(output.value)
    case 'error-json':
      return failedAnswer(JSON.stringify(output.value))
    case 'execution-denied':
      return failedAnswer(output.reason ?? 'the call was not allowed')
    case 'content':
      return output.value.map(textOfPiece).join('\n')
    default:
      return leftOutText((output as { type: string }).type) // of a later version
  }
}

/** One of the pieces of a tool's answer. */
type Piece = Extract<LanguageModelV3ToolResultOutput, { type: 'content' }>['value'][number]

function textOfPiece(piece: Piece): string {
  if (piece.type === 'text') return piece.text
  const { type, mediaType, data } = piece as Piece & { mediaType?: string; data?: unknown }
  const text = mediaType === undefined ? undefined : textIn(mediaType, data)
  return text ?? leftOutText(mediaType === undefined ? type : `${type}, ${mediaType}`)
}

/** @throws UnsupportedFunctionalityError for one that is no text */
export function textOfFile({ mediaType, data }: FilePart): string {
  const text = textIn(mediaType, data)
  if (text !== undefined) return text
  throw new UnsupportedFunctionalityError(
    `file parts of type ${mediaType}`,
    'models are told text alone here; leave the file out, or give what it says as text',
  )
}

/** The text of a file that is one: as bytes, in base64, or, since the AI SDK 7, as it is. */
function textIn(mediaType: string, data: unknown): string | undefined {
  if (isRecord(data) && typeof data.text === 'string') return data.text
  if (!/^(text\/|application\/json\b)/i.test(mediaType)) return undefined
  if (typeof data === 'string') return Buffer.from(data, 'base64').toString('utf8')
  if (!ArrayBuffer.isView(data)) return undefined
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8')
}
