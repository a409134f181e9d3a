/** Tests that llama-server passes and Sluice does not, each with what is otherwise here. */
export const differences: readonly { readonly why: string; readonly tests: readonly string[] }[] = [
  {
    why: "/completions is OpenAI's here, as its clients are told an address without /v1; /completion is llama-server's",
    tests: [
      'test_security.py::test_correct_api_key',
      'test_security.py::test_correct_api_key_anthropic_header',
    ],
  },
  {
    why: 'GET /slots is always there; it tells nothing of prompts',
    tests: ['test_basic.py::test_server_slots'],
  },
  {
    why: 'GET /v1/models lists each name of a model, and there are no tags',
    tests: [
      'test_basic.py::test_server_model_aliases_and_tags',
      'test_basic.py::test_server_models',
    ],
  },
  {
    why: 'a chat that is too long is context_length_exceeded, as OpenAI says it',
    tests: [
      'test_chat_completion.py::test_context_size_exceeded',
      'test_chat_completion.py::test_context_size_exceeded_stream',
    ],
  },
  {
    why: 'a model is never unloaded while the server runs',
    tests: [
      'test_sleep.py::test_server_sleep',
      'test_sleep.py::test_server_sleep_token_counting_wake',
    ],
  },
  {
    why: 'a preflight is a 204 that lists the headers that may be sent',
    tests: [
      'test_security.py::test_cors_options[localhost-Access-Control-Allow-Origin-localhost]',
      'test_security.py::test_cors_options[origin-Access-Control-Allow-Credentials-true]',
      'test_security.py::test_cors_options[web.mydomain.fr-Access-Control-Allow-Headers-*]',
      'test_security.py::test_cors_options[web.mydomain.fr-Access-Control-Allow-Methods-GET, POST, DELETE, OPTIONS]',
      'test_security.py::test_cors_options[web.mydomain.fr-Access-Control-Allow-Origin-web.mydomain.fr]',
    ],
  },
  {
    why: 'a server listens on one address',
    tests: ['test_basic.py::test_server_multiple_addresses'],
  },
  {
    why: 'add_generation_prompt true is the default, and continue_final_message goes before it',
    tests: ['test_chat_completion.py::test_chat_template_continue_final_message_mutual_exclusion'],
  },
  {
    why: 'an image is a 400; the suite expects 500',
    tests: [
      'test_compat_anthropic.py::test_anthropic_tool_result_with_image',
      'test_compat_anthropic.py::test_anthropic_vision_format_accepted',
    ],
  },
  {
    why: 'an input that is too long is told in other words',
    tests: ['test_embedding.py::test_embedding_error_prompt_too_long'],
  },
  {
    why: 'blanks in front of a form are no text, and these ten tokens are blanks',
    tests: [
      'test_chat_completion.py::test_completion_with_response_format[response_format1-10-[ -3000 ]]',
    ],
  },
  {
    why: 'detokenize takes off the blank in front of a mark, where the tokenizer says so',
    tests: ['test_tokenize.py::test_tokenize_detokenize'],
  },
  {
    why: 'ignore_eos is not told as biases in generation_settings',
    tests: ['test_ignore_eos.py::test_ignore_eos_populates_logit_bias'],
  },
  {
    why: 'inputs are not empty, and texts and ids are not mixed in one',
    tests: [
      'test_embedding.py::test_embedding_mixed_input[-False]',
      'test_embedding.py::test_embedding_mixed_input[input3-False]',
      'test_embedding.py::test_embedding_mixed_input[input7-True]',
    ],
  },
  {
    why: 'metrics have names of their own (sluice_...), and are always there',
    tests: [
      'test_metrics.py::test_metrics_disabled',
      'test_metrics.py::test_metrics_embedding_prompt_is_counted',
      'test_metrics.py::test_metrics_predicted_total_matches_requests',
      'test_metrics.py::test_metrics_prometheus_format',
      'test_metrics.py::test_metrics_prompt_processed_and_cached',
      'test_sleep.py::test_server_sleep_metrics_buckets',
      'test_sleep.py::test_server_sleep_read_only_endpoints',
    ],
  },
  {
    why: 'no message is a 400, as Anthropic has it',
    tests: ['test_compat_anthropic.py::test_anthropic_empty_messages'],
  },
  {
    why: 'post_sampling_probs is a 400: probabilities are those before sampling',
    tests: ['test_completion.py::test_n_probs_post_backend_sampling'],
  },
  {
    why: 'templates are given as files, and not by a name',
    tests: ['test_chat_completion.py::test_apply_chat_template'],
  },
  {
    why: 'the first chunk has the content "", as OpenAI sends it, not null; timings are at /completion alone',
    tests: [
      'test_chat_completion.py::test_chat_completion_with_timings_per_token',
      'test_chat_completion.py::test_logprobs_stream',
    ],
  },
  {
    why: 'the progress of a prompt is not told',
    tests: [
      'test_chat_completion.py::test_return_progress[64-2-True]',
      'test_compat_oai_responses.py::test_responses_stream_with_llama_telemetry',
      'test_metrics.py::test_metrics_timings_on_prompt_progress',
    ],
  },
  {
    why: 'the prompt is not told in __verbose; POST /apply-template tells it',
    tests: [
      'test_chat_completion.py::test_chat_template_assistant_prefill[Whill-Whill]',
      'test_chat_completion.py::test_chat_template_assistant_prefill[prefill1-Wh\\n\\nill]',
      'test_chat_completion.py::test_chat_template_continue_final_message_vllm_compat',
      'test_chat_completion.py::test_verbose_debug',
    ],
  },
  {
    why: 'the prompt of /apply-template always opens the reply',
    tests: [
      'test_template.py::test_add_generation_prompt[meta-llama-Llama-3.3-70B-Instruct-<|start_header_id|>assistant<|end_header_id|>-False]',
    ],
  },
  {
    why: 'there are no tools that the server runs',
    tests: ['test_mcp_servers.py::test_mcp_config_file_errors'],
  },
  {
    why: 'there is no Vertex route (/predict)',
    tests: [
      'test_compat_gcp.py::test_gcp_predict_camel_case',
      'test_compat_gcp.py::test_gcp_predict_multiple_instances',
    ],
  },
  {
    why: 'there is no proxy for pages',
    tests: [
      'test_proxy.py::test_mcp_no_proxy',
      'test_proxy.py::test_mcp_proxy_custom_port',
      'test_proxy.py::test_mcp_proxy_no_content',
      'test_security.py::test_cors_proxy_only_forwards_explicit_proxy_headers',
    ],
  },
  {
    why: "they look for lines of llama-server's log",
    tests: ['test_kv_keep_only_active.py::test_clear_and_restore'],
  },
  {
    why: 'two messages of the assistant in a row are taken',
    tests: ['test_chat_completion.py::test_invalid_chat_completion_req[messages7]'],
  },
  {
    why: 'vectors of single tokens are not to be had',
    tests: [
      'test_embedding.py::test_embedding_pooling_none',
      'test_embedding.py::test_embedding_pooling_none_oai',
    ],
  },
]
