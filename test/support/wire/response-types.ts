import type { ResponseItemList as DeclaredItemList } from 'openai/resources/responses/input-items'
import type {
  Response as DeclaredResponse,
  ResponseCompletedEvent,
  ResponseContentPartAddedEvent,
  ResponseContentPartDoneEvent,
  ResponseCreatedEvent,
  ResponseCustomToolCall,
  ResponseCustomToolCallInputDeltaEvent,
  ResponseCustomToolCallInputDoneEvent,
  ResponseCustomToolCallItem,
  ResponseCustomToolCallOutputItem,
  ResponseErrorEvent,
  ResponseFailedEvent,
  ResponseFunctionCallArgumentsDeltaEvent,
  ResponseFunctionCallArgumentsDoneEvent,
  ResponseFunctionToolCall,
  ResponseFunctionToolCallItem,
  ResponseFunctionToolCallOutputItem,
  ResponseIncompleteEvent,
  ResponseInProgressEvent,
  ResponseInputMessageItem,
  ResponseOutputItemAddedEvent,
  ResponseOutputItemDoneEvent,
  ResponseOutputMessage,
  ResponseReasoningItem,
  ResponseReasoningSummaryPartAddedEvent,
  ResponseReasoningSummaryPartDoneEvent,
  ResponseReasoningSummaryTextDeltaEvent,
  ResponseReasoningSummaryTextDoneEvent,
  ResponseReasoningTextDeltaEvent,
  ResponseReasoningTextDoneEvent,
  ResponseTextDeltaEvent,
  ResponseTextDoneEvent,
} from 'openai/resources/responses/responses'

/** OpenAI's declarations of responses, of which this server sends a part: other items are wrong. */

type Item =
  | ResponseOutputMessage
  | ResponseReasoningItem
  | ResponseFunctionToolCall
  | ResponseCustomToolCall

type Unsent = 'output_text' | 'conversation' | 'moderation' | 'prompt'

/** `output_text` is what the client adds. Tools are repeated as they came, whatever they are. */
export interface ResponseBody
  extends Omit<DeclaredResponse, Unsent | 'output' | 'tools' | 'instructions'> {
  output: Item[]
  tools: Record<string, unknown>[]
  instructions: string | null
}

type WithBody<Event> = Omit<Event, 'response'> & { response: ResponseBody }
type WithItem<Event> = Omit<Event, 'item'> & { item: Item }

export type ResponseEvent =
  | WithBody<ResponseCreatedEvent>
  | WithBody<ResponseInProgressEvent>
  | WithBody<ResponseCompletedEvent>
  | WithBody<ResponseIncompleteEvent>
  | WithBody<ResponseFailedEvent>
  | WithItem<ResponseOutputItemAddedEvent>
  | WithItem<ResponseOutputItemDoneEvent>
  | ResponseContentPartAddedEvent
  | ResponseContentPartDoneEvent
  | ResponseTextDeltaEvent
  | ResponseTextDoneEvent
  | ResponseReasoningTextDeltaEvent
  | ResponseReasoningTextDoneEvent
  | ResponseReasoningSummaryPartAddedEvent
  | ResponseReasoningSummaryPartDoneEvent
  | ResponseReasoningSummaryTextDeltaEvent
  | ResponseReasoningSummaryTextDoneEvent
  | ResponseFunctionCallArgumentsDeltaEvent
  | ResponseFunctionCallArgumentsDoneEvent
  | ResponseCustomToolCallInputDeltaEvent
  | ResponseCustomToolCallInputDoneEvent
  | ResponseErrorEvent
  | KeepAliveEvent

/** As the client's accumulator of events has it. */
interface KeepAliveEvent {
  type: 'keepalive'
  sequence_number: number
}

export interface ResponseItemList extends Omit<DeclaredItemList, 'data'> {
  data: (
    | ResponseInputMessageItem
    | ResponseOutputMessage
    | ResponseReasoningItem
    | ResponseFunctionToolCallItem
    | ResponseFunctionToolCallOutputItem
    | ResponseCustomToolCallItem
    | ResponseCustomToolCallOutputItem
  )[]
}
