/** Whose names the metrics have: our own, or vLLM's for all that vLLM tells as well. */
export type MetricsNames = 'sluice' | 'vllm'

/** Gives a metric, by our name of it, the name under which it is told. */
export type NameOf = (name: string) => string

/** Without a prefix: what vLLM has under the same name and with the same meaning. */
const ofVllm: ReadonlySet<string> = new Set([
  'num_requests_running',
  'num_requests_waiting',
  'kv_cache_usage_perc',
  'cache_config_info',
  'lora_requests_info',
  'prompt_tokens_total',
  'generation_tokens_total',
  'prefix_cache_queries_total',
  'prefix_cache_hits_total',
  'num_preemptions_total',
  'spec_decode_num_draft_tokens_total',
  'spec_decode_num_accepted_tokens_total',
  'time_to_first_token_seconds',
  'inter_token_latency_seconds',
  'e2e_request_latency_seconds',
  'request_queue_time_seconds',
  'request_prefill_time_seconds',
  'request_decode_time_seconds',
  'request_prompt_tokens',
  'request_generation_tokens',
  'request_success_total',
])

const prefix = 'sluice_'

export function nameIn(names: MetricsNames): NameOf {
  if (names === 'sluice') return (name) => name
  return (name) => {
    const bare = name.slice(prefix.length)
    return ofVllm.has(bare) ? `vllm:${bare}` : name
  }
}
