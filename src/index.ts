/** Sluice: llama.cpp inside a Node process, streamed. */

export type { EmbeddingInfo, EmbedInput, EmbedOptions, EmbedResult } from './api/embedding-types.js'
export * from './api/errors.js'
export type { FitOptions, FitResult } from './api/fit-types.js'
export type {
  DeviceInfo,
  Estimate,
  LoadWarning,
  LoadWarningCode,
  MemoryUse,
  Placement,
} from './api/placement-types.js'
export type { SamplingOptions } from './api/sampling-options.js'
export type {
  Accepted,
  ChatMessage,
  ChatOptions,
  ChoiceResult,
  CompletionOptions,
  EngineSettings,
  EngineStats,
  EstimateOptions,
  FinishReason,
  FitRules,
  KeepsMessage,
  KeptTurns,
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
