/**
 * Sluice: llama.cpp inside a Node process, streamed.
 *
 * @module sluice
 */

export type {
  AnswerTo,
  ChoiceAnswer,
  ChoiceQuestion,
  DecideOptions,
  DecideResult,
  DecisionAnswer,
  DecisionQuestion,
  DescribedChoice,
  DescribedLevel,
  PredicateAnswer,
  PredicateQuestion,
  ScoreAnswer,
  ScoreQuestion,
} from './api/decision-types.js'
export type {
  EmbeddingInfo,
  EmbedInput,
  EmbedOptions,
  EmbedResult,
  RankedDocument,
  RerankOptions,
  RerankResult,
} from './api/embedding-types.js'
export * from './api/errors.js'
export type { FitOptions, FitResult } from './api/fit-types.js'
export type { EngineCrash, EngineCrashReason } from './api/isolation-types.js'
export type { AdapterOptions, AdapterSettings, AdaptersByName } from './api/lora-types.js'
export type {
  KnownModel,
  ModelEvent,
  ModelState,
  ModelStatus,
  ModelsOptions,
  PooledModelOptions,
  UnloadReason,
} from './api/models-types.js'
export type {
  OpenAiMessage,
  OpenAiPart,
  OpenAiTool,
  OpenAiToolCall,
  OpenAiToolChoice,
} from './api/openai-types.js'
export type {
  DeviceInfo,
  Estimate,
  LoadWarning,
  LoadWarningCode,
  MemoryUse,
  Placement,
} from './api/placement-types.js'
export type { PullOptions, PullProgress, PullResult } from './api/pull-types.js'
export type { SamplingOptions } from './api/sampling-options.js'
export type {
  SchemaIssue,
  SchemaOutput,
  StandardResult,
  StandardSchema,
} from './api/standard-schema.js'
export type {
  RunnableTool,
  ToolContext,
  ToolResult,
  ToolRound,
  ToolRunOptions,
  ToolRunPart,
  ToolRunResult,
} from './api/tool-types.js'
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
  ReplyLimit,
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
export { embeddedModel } from './binding/embedded-model.js'
export { CompiledSchema } from './engine/compiled-schema.js'
export { Engine } from './engine/engine.js'
export { estimate } from './engine/estimate.js'
export { load } from './engine/load.js'
export { pull } from './engine/pull/pull.js'
export { Reply } from './engine/reply.js'
export { Models, models } from './pool/models.js'
export {
  type McpClient,
  type McpProgress,
  type McpTool,
  type McpToolsOptions,
  mcpTools,
} from './tools/mcp-tools.js'
export { runTools } from './tools/run-tools.js'
export { ToolRun } from './tools/tool-run.js'
