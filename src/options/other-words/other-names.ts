/**
 * What options are called in other programs: by OpenAI, llama-cpp-python, node-llama-cpp, Ollama
 * and the AI SDK. Of several names of ours the first that the function has is the one that is
 * meant. Names that differ from ours in their spelling alone need no row: see ../nearest.ts.
 */
const otherNames: Readonly<Record<string, string | readonly string[]>> = {
  // Of a request.
  max_completion_tokens: 'maxTokens',
  max_output_tokens: 'maxTokens',
  maxOutputTokens: 'maxTokens',
  max_new_tokens: 'maxTokens',
  num_predict: 'maxTokens',
  n_predict: 'maxTokens',
  nPredict: 'maxTokens',
  temp: 'temperature',
  nucleus: 'topP',
  repetition_penalty: 'repeatPenalty',
  repeat_last_n: 'repeatLastN',
  penalty_last_n: 'repeatLastN',
  stopSequences: 'stop',
  stop_sequences: 'stop',
  customStopTriggers: 'stop',
  stop_token_ids: 'stopTokens',
  top_logprobs: 'logprobs',
  prompt_logprobs: 'promptLogprobs',
  best_of: 'n',
  num_completions: 'n',
  response_format: ['schema', 'json'],
  responseFormat: ['schema', 'json'],
  format: ['schema', 'json'],
  json_schema: 'schema',
  jsonSchema: 'schema',
  guided_json: 'schema',
  guided_regex: 'regex',
  guided_choice: 'choices',
  guided_grammar: 'grammar',
  pattern: 'regex',
  abortSignal: 'signal',
  abort_signal: 'signal',
  functions: 'tools',
  function_call: 'toolChoice',
  reasoning_effort: 'reasoning',
  reasoningEffort: 'reasoning',
  thinking: 'reasoning',
  think: 'reasoning',
  reasoning_content: 'reasoning',
  chat_template_kwargs: 'templateArguments',
  chatTemplateKwargs: 'templateArguments',
  continue_final_message: 'continueFinal',
  inputSchema: 'parameters',
  input_schema: 'parameters',
  // Of an engine.
  modelPath: 'model',
  model_path: 'model',
  file: 'model',
  gguf: 'model',
  n_ctx: 'context',
  nCtx: 'context',
  num_ctx: 'context',
  ctxSize: 'context',
  ctx_size: 'context',
  contextSize: 'context',
  contextLength: 'context',
  context_length: 'context',
  maxContext: 'context',
  n_parallel: 'parallel',
  np: 'parallel',
  concurrency: 'parallel',
  n_threads: 'threads',
  num_thread: 'threads',
  n_gpu_layers: 'gpuLayers',
  ngl: 'gpuLayers',
  num_gpu: 'gpuLayers',
  device: 'gpu',
  flash_attn: 'flashAttention',
  flash_attention: 'flashAttention',
  fa: 'flashAttention',
  type_k: 'kvType',
  type_v: 'kvType',
  cache_type_k: 'kvType',
  cache_type_v: 'kvType',
  cacheType: 'kvType',
  chat_format: 'chatTemplate',
  model_draft: 'draft',
  draftModel: 'draft',
  embedding: 'embeddings',
  onLoadProgress: 'onProgress',
  progress: 'onProgress',
  // Of a server.
  api_key: 'apiKeys',
  apiKey: 'apiKeys',
  keys: 'apiKeys',
  auth: 'apiKeys',
  hostname: 'host',
  address: 'host',
  bind: 'host',
  cors: 'allowOrigins',
  origin: 'allowOrigins',
  origins: 'allowOrigins',
  corsOrigins: 'allowOrigins',
  hosts: 'allowHosts',
  allowedHosts: 'allowHosts',
  allowedOrigins: 'allowOrigins',
  alias: 'aliases',
  maxBodySize: 'bodyBytesMax',
  bodyLimit: 'bodyBytesMax',
  timeout: ['requestTimeoutMs', 'deadlineMs', 'queueDeadlineMs'],
  timeoutMs: ['requestTimeoutMs', 'deadlineMs', 'queueDeadlineMs'],
  deadline: ['deadlineMs', 'queueDeadlineMs'],
  maxConnections: 'connectionsMax',
  keepAliveTimeout: 'keepAliveMs',
  headersTimeout: 'headersTimeoutMs',
  requestTimeout: 'requestTimeoutMs',
  logger: 'onLog',
  log: 'onLog',
  metrics: 'openMetrics',
}

/** What has no option of its own: what is done in its place. */
const otherWays: Readonly<Record<string, string>> = {
  ...forEach(
    ['systemPrompt', 'system_prompt', 'system', 'instructions'],
    "Give a message { role: 'system', content } in front.",
  ),
  ...forEach(
    ['stream', 'onTextChunk', 'onToken', 'onResponseChunk'],
    'Each reply streams: read it with for await, or await its text().',
  ),
  ...forEach(['messages', 'prompt', 'input'], 'It is the first argument, before the options.'),
  echo: 'The prompt is no part of a reply: put it in front yourself.',
}

function forEach(names: readonly string[], way: string): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, way]))
}

/** What is meant by a name that is no option, as a sentence; undefined where it is not known. */
export function meantBy(key: string, names: readonly string[]): string | undefined {
  const ours = [Object.hasOwn(otherNames, key) ? otherNames[key] : undefined].flat()
  const own = ours.find((name) => name !== undefined && names.includes(name))
  if (own !== undefined) return `Did you mean '${own}'?`
  const isOfRequest = names.includes('maxTokens') || names.includes('dimensions')
  return isOfRequest && Object.hasOwn(otherWays, key) ? otherWays[key] : undefined
}
