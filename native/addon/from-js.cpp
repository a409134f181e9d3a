#include "addon/from-js.h"

#include <type_traits>

namespace sluice {

double number(const Napi::Object& object, const char* key) {
  const Napi::Value value = object.Get(key);
  if (value.IsNumber()) return value.As<Napi::Number>().DoubleValue();
  throw Napi::TypeError::New(object.Env(), std::string(key) + " must be a number");
}

int32_t integer(const Napi::Object& object, const char* key) {
  return static_cast<int32_t>(number(object, key));
}

std::string string(const Napi::Object& object, const char* key) {
  const Napi::Value value = object.Get(key);
  if (value.IsString()) return value.As<Napi::String>().Utf8Value();
  throw Napi::TypeError::New(object.Env(), std::string(key) + " must be a string");
}

Napi::Object object(const Napi::Object& parent, const char* key) {
  const Napi::Value value = parent.Get(key);
  if (value.IsObject()) return value.As<Napi::Object>();
  throw Napi::TypeError::New(parent.Env(), std::string(key) + " must be an object");
}

namespace {

std::vector<int32_t> token_ids(const Napi::Value& value) {
  const auto array = value.As<Napi::Int32Array>();
  return std::vector<int32_t>(array.Data(), array.Data() + array.ElementLength());
}

Napi::Array array(const Napi::Object& object, const char* key) {
  const Napi::Value value = object.Get(key);
  if (value.IsArray()) return value.As<Napi::Array>();
  throw Napi::TypeError::New(object.Env(), std::string(key) + " must be an array");
}

template <typename Use>
void for_each(const Napi::Array& list, const Use& use) {
  for (uint32_t i = 0; i < list.Length(); ++i) use(list.Get(i).ToObject());
}

ToolChoice tool_choice(const std::string& name) {
  if (name == "none") return ToolChoice::none;
  return name == "required" ? ToolChoice::required : ToolChoice::automatic;
}

std::vector<std::string> strings(const Napi::Object& object, const char* key) {
  const Napi::Array list = array(object, key);
  std::vector<std::string> result;
  for (uint32_t i = 0; i < list.Length(); ++i) {
    result.push_back(list.Get(i).ToString().Utf8Value());
  }
  return result;
}

SamplerStep sampler_step(const std::string& name) {
  if (name == "penalties") return SamplerStep::penalties;
  if (name == "dry") return SamplerStep::dry;
  if (name == "top_n_sigma") return SamplerStep::top_n_sigma;
  if (name == "top_k") return SamplerStep::top_k;
  if (name == "typ_p") return SamplerStep::typical_p;
  if (name == "top_p") return SamplerStep::top_p;
  if (name == "min_p") return SamplerStep::min_p;
  return name == "xtc" ? SamplerStep::xtc : SamplerStep::temperature;
}

SamplingParams sampling_params(const Napi::Object& object) {
  SamplingParams sampling;
  for_each_number(sampling, [&object](const char* name, auto& value) {
    value = static_cast<std::decay_t<decltype(value)>>(number(object, name));
  });
  sampling.logprobs = integer(object, "logprobs");
  sampling.ignore_eos = object.Get("ignoreEos").ToBoolean();
  for (const std::string& name : strings(object, "samplers")) {
    sampling.order.push_back(sampler_step(name));
  }
  sampling.dry_sequence_breakers = strings(object, "drySequenceBreakers");
  const Napi::Array biases = array(object, "logitBias");
  for (uint32_t i = 0; i + 1 < biases.Length(); i += 2) {
    sampling.logit_bias.push_back(
        {biases.Get(i).ToNumber().Int32Value(), biases.Get(i + 1).ToNumber().FloatValue()});
  }
  return sampling;
}

AdapterSet adapter_scales(const Napi::Object& object) {
  const Napi::Array list = array(object, "adapters");
  std::vector<AdapterScale> scales;
  for (uint32_t i = 0; i + 1 < list.Length(); i += 2) {
    scales.push_back(
        {list.Get(i).ToNumber().Int32Value(), list.Get(i + 1).ToNumber().FloatValue()});
  }
  return adapter_set(scales);
}

// Of NativeRequest: which of its forms the prompt has, its type says.
Prompt prompt_of(const Napi::Object& object) {
  const Napi::Value prompt = object.Get("prompt");
  if (prompt.IsTypedArray()) return token_ids(prompt);
  if (!prompt.IsObject()) return string(object, "prompt");
  const Napi::Object form = prompt.As<Napi::Object>();
  if (form.Has("messages")) return chat_prompt(form);
  return Infill{string(form, "before"), string(form, "after")};
}

std::shared_ptr<Request> request(const Napi::Object& object) {
  auto result = std::make_shared<Request>();
  result->id = static_cast<RequestId>(number(object, "id"));
  result->owner = string(object, "owner");
  result->max_tokens = integer(object, "maxTokens");
  result->prompt_logprobs = integer(object, "promptLogprobs");
  result->stop = strings(object, "stop");
  result->sampling = sampling_params(object);
  result->sampling.seed = uint32_t(number(object, "seed"));
  GrammarSpec grammar;
  grammar.text = string(object, "grammar");
  const bool is_schema = object.Get("grammarIsSchema").ToBoolean();
  grammar.origin = is_schema ? GrammarOrigin::schema : GrammarOrigin::request;
  if (!grammar.text.empty()) {
    result->grammar = std::make_shared<const GrammarSpec>(std::move(grammar));
  }
  const Napi::Array stop_tokens = array(object, "stopTokens");
  for (uint32_t i = 0; i < stop_tokens.Length(); ++i) {
    result->stop_tokens.push_back(stop_tokens.Get(i).ToNumber().Int32Value());
  }
  const Napi::Array labels = array(object, "labelTokens");
  for (uint32_t i = 0; i < labels.Length(); ++i) {
    result->label_tokens.push_back(labels.Get(i).ToNumber().Int32Value());
  }
  result->tenant_salt = string(object, "cacheSalt");
  result->adapters = adapter_scales(object);
  return result;
}

// Another choice of the same reply. Shares what may be large.
std::shared_ptr<Request> choice_of(const Request& first, int32_t choice) {
  auto result = std::make_shared<Request>();
  result->id = first.id + RequestId(choice);
  result->owner = first.owner;
  result->max_tokens = first.max_tokens;
  result->prompt_logprobs = first.prompt_logprobs;
  result->stop = first.stop;
  result->stop_tokens = first.stop_tokens;
  result->label_tokens = first.label_tokens;
  result->sampling = first.sampling;
  // Folded as src/engine/native-request.ts does.
  const uint64_t seed = uint64_t(first.sampling.seed) + uint64_t(choice);
  result->sampling.seed = uint32_t(seed % UINT32_MAX);
  result->grammar = first.grammar;
  result->tenant_salt = first.tenant_salt;
  result->adapters = first.adapters;
  return result;
}

ThreadPriority priority(const std::string& name) {
  if (name == "low") return ThreadPriority::low;
  if (name == "medium") return ThreadPriority::medium;
  if (name == "high") return ThreadPriority::high;
  if (name == "realtime") return ThreadPriority::realtime;
  return ThreadPriority::normal;
}

EmbeddingUse embedding_use(const std::string& name) {
  if (name == "always") return EmbeddingUse::always;
  if (name == "never") return EmbeddingUse::never;
  return EmbeddingUse::automatic;
}

KvType kv_type(const std::string& name) {
  for (const KvType type : {KvType::bf16, KvType::q8_0, KvType::q4_0}) {
    if (name == name_of(type)) return type;
  }
  return KvType::f16;
}

FlashAttention flash_attention(const std::string& name) {
  if (name == "on") return FlashAttention::on;
  return name == "off" ? FlashAttention::off : FlashAttention::automatic;
}

GpuUse gpu_use(const std::string& name) {
  if (name == "off") return GpuUse::off;
  for (const GpuUse gpu : {GpuUse::cuda, GpuUse::vulkan, GpuUse::metal}) {
    if (name == backend_name(gpu)) return gpu;
  }
  return GpuUse::automatic;
}

SplitMode split_mode(const std::string& name) {
  if (name == "none") return SplitMode::none;
  return name == "layer" ? SplitMode::layer : SplitMode::automatic;
}

PlacementRequest placement_request(const Napi::Object& object) {
  PlacementRequest request;
  request.gpu = gpu_use(string(object, "gpu"));
  request.gpu_layers = integer(object, "gpuLayers");
  request.split_mode = split_mode(string(object, "splitMode"));
  request.main_gpu = integer(object, "mainGpu");
  const Napi::Array shares = array(object, "tensorSplit");
  for (uint32_t i = 0; i < shares.Length(); ++i) {
    request.tensor_split.push_back(shares.Get(i).ToNumber().FloatValue());
  }
  return request;
}

}  // namespace

EngineOptions engine_options(const Napi::Object& object) {
  EngineOptions options;
  options.model_path = string(object, "model");
  options.parallel = integer(object, "parallel");
  options.context = integer(object, "context");
  options.free.bytes = static_cast<uint64_t>(number(object, "freeBytes"));
  options.kv_cells = integer(object, "kvCells");
  const double cache_bytes = number(object, "cacheBytes");
  if (cache_bytes >= 0) options.cache_bytes = static_cast<uint64_t>(cache_bytes);
  options.cache_dir = string(object, "cacheDir");
  options.cache_disk_bytes = static_cast<uint64_t>(number(object, "cacheDiskBytes"));
  options.kv_type = kv_type(string(object, "kvType"));
  options.flash_attention = flash_attention(string(object, "flashAttention"));
  options.threads = integer(object, "threads");
  options.cores_max = integer(object, "coresMax");
  options.poll = integer(object, "poll");
  options.priority = priority(string(object, "priority"));
  options.placement = placement_request(object);
  options.workers = strings(object, "workers");
  options.chat_template = string(object, "chatTemplate");
  options.tools_fallback = object.Get("toolsFallback").ToBoolean();
  options.draft_path = string(object, "draft");
  options.adapter_paths = strings(object, "adapters");
  options.lookup = object.Get("lookup").ToBoolean();
  options.mtp = object.Get("mtp").ToBoolean();
  options.draft_max = integer(object, "draftMax");
  options.estimates_only = object.Get("estimatesOnly").ToBoolean();
  options.embeddings = embedding_use(string(object, "embeddings"));
  options.window = integer(object, "window");
  options.queue_deadline =
      std::chrono::milliseconds(static_cast<int64_t>(number(object, "queueDeadlineMs")));
  return options;
}

WorkerOptions worker_options(const Napi::Object& object) {
  WorkerOptions options;
  options.host = string(object, "host");
  options.port = integer(object, "port");
  options.cache_dir = string(object, "cacheDir");
  options.threads = integer(object, "threads");
  options.gpu = gpu_use(string(object, "gpu"));
  return options;
}

RequestGroup request_group(const Napi::Object& object) {
  const std::shared_ptr<Request> first = request(object);
  Prompt prompt = prompt_of(object);
  auto* chat = std::get_if<ChatPrompt>(&prompt);
  if (chat && first->grammar) chat->has_form = true;
  RequestGroup group{{first}, std::make_shared<const Prompt>(std::move(prompt))};
  const int32_t count = integer(object, "choices");
  for (int32_t i = 1; i < count; ++i) group.choices.push_back(choice_of(*first, i));
  const auto state = std::make_shared<GroupState>();
  for (const auto& choice : group.choices) choice->group = state;
  return group;
}

ChatPrompt chat_prompt(const Napi::Object& object) {
  ChatPrompt chat;
  for_each(array(object, "messages"), [&](const Napi::Object& one) {
    ChatMessage& message = chat.messages.emplace_back();
    message.role = string(one, "role");
    message.content = string(one, "content");
    message.reasoning = string(one, "reasoning");
    message.name = string(one, "name");
    message.tool_call_id = string(one, "toolCallId");
    for_each(array(one, "toolCalls"), [&](const Napi::Object& call) {
      message.tool_calls.push_back(
          {string(call, "id"), string(call, "name"), string(call, "arguments")});
    });
  });
  for_each(array(object, "tools"), [&](const Napi::Object& one) {
    chat.tools.push_back({string(one, "name"),
                          string(one, "description"),
                          string(one, "parameters"),
                          string(one, "rules"),
                          string(one, "root"),
                          {},
                          string(one, "place"),
                          one.Get("isCallable").ToBoolean()});
    for_each(array(one, "properties"), [&](const Napi::Object& property) {
      chat.tools.back().properties.push_back(
          {string(property, "name"), property.Get("isRequired").ToBoolean(),
           string(property, "kind"), string(property, "json"), string(property, "text")});
    });
  });
  chat.tool_choice = tool_choice(string(object, "toolChoice"));
  chat.parallel_tool_calls = object.Get("parallelToolCalls").ToBoolean();
  chat.wants_reasoning = object.Get("wantsReasoning").ToBoolean();
  chat.reasoning_effort = string(object, "reasoningEffort");
  for_each(array(object, "arguments"), [&](const Napi::Object& one) {
    chat.arguments.push_back({string(one, "name"), string(one, "value")});
  });
  chat.reasoning_budget = integer(object, "reasoningBudget");
  chat.reasoning_budget_message = string(object, "reasoningBudgetMessage");
  chat.continues = object.Get("continues").ToBoolean();
  return chat;
}

std::shared_ptr<EmbeddingRequest> embedding_request(const Napi::Object& object) {
  auto result = std::make_shared<EmbeddingRequest>();
  result->owner = string(object, "owner");
  result->id = static_cast<RequestId>(number(object, "id"));
  const Napi::Array inputs = array(object, "inputs");
  for (uint32_t i = 0; i < inputs.Length(); ++i) {
    const Napi::Value input = inputs.Get(i);
    if (input.IsString()) {
      result->inputs.emplace_back(input.As<Napi::String>().Utf8Value());
    } else if (input.IsTypedArray()) {
      result->inputs.emplace_back(token_ids(input));
    } else {
      const Napi::Object pair = input.ToObject();
      result->inputs.emplace_back(RankedPair{string(pair, "query"), string(pair, "document")});
    }
  }
  return result;
}

std::vector<int32_t> token_ids(const Napi::Object& object, const char* key) {
  return token_ids(object.Get(key));
}

}  // namespace sluice
