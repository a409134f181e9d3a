/** Sluice: llama.cpp inside a Node process, streamed. */

export * from './api/errors.js'
export type {
  DeviceInfo,
  Estimate,
  LoadWarning,
  LoadWarningCode,
  MemoryUse,
  Placement,
} from './api/placement-types.js'
export type {
  Accepted,
  ChatMessage,
  ChatOptions,
  ChoiceResult,
  CompletionOptions,
  EmbeddingInfo,
  EmbedInput,
  EmbedOptions,
  EmbedResult,
  EngineSettings,
  EngineStats,
  EstimateOptions,
  FinishReason,
  LoadOptions,
  ModelInfo,
  PastToolCall,
  PreparedTools,
  PromptTokenLogprobs,
  ReasoningDefaults,
  ReasoningOptions,
  ReplyPart,
  ReplyResult,
  RequestNote,
  RequestOptions,
  SamplingOptions,
  TemplateOptions,
  TextOptions,
  Timings,
  TokenizeOptions,
  TokenLogprob,
  TokenLogprobs,
  Tool,
  ToolCall,
  ToolCallDelta,
  ToolChoice,
  Usage,
} from './api/types.js'
export { CompiledSchema } from './engine/compiled-schema.js'
export { Engine } from './engine/engine.js'
export { estimate } from './engine/estimate.js'
export { load } from './engine/load.js'
export { Reply } from './engine/reply.js'
