#include "addon/conversions.h"

#include <algorithm>
#include <string>
#include <type_traits>

namespace sluice {
namespace {

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

SamplingParams sampling_params(const Napi::Object& object) {
  SamplingParams sampling;
  for_each_number(sampling, [&object](const char* name, auto& value) {
    value = static_cast<std::decay_t<decltype(value)>>(number(object, name));
  });
  sampling.logprobs = integer(object, "logprobs");
  sampling.ignore_eos = object.Get("ignoreEos").ToBoolean();
  const Napi::Array biases = array(object, "logitBias");
  for (uint32_t i = 0; i + 1 < biases.Length(); i += 2) {
    sampling.logit_bias.push_back(
        {biases.Get(i).ToNumber().Int32Value(), biases.Get(i + 1).ToNumber().FloatValue()});
  }
  return sampling;
}

// Of NativeRequest: which of its forms the prompt has, its type says.
Prompt prompt_of(const Napi::Object& object) {
  const Napi::Value prompt = object.Get("prompt");
  if (prompt.IsTypedArray()) return token_ids(prompt.As<Napi::Int32Array>());
  if (!prompt.IsObject()) return string(object, "prompt");
  const Napi::Object form = prompt.As<Napi::Object>();
  if (form.Has("messages")) return chat_prompt(form);
  return Infill{string(form, "before"), string(form, "after")};
}

std::shared_ptr<Request> request(const Napi::Object& object) {
  auto result = std::make_shared<Request>();
  result->id = static_cast<RequestId>(number(object, "id"));
  Prompt prompt = prompt_of(object);
  result->max_tokens = integer(object, "maxTokens");
  result->prompt_logprobs = integer(object, "promptLogprobs");
  const Napi::Array stops = array(object, "stop");
  for (uint32_t i = 0; i < stops.Length(); ++i) {
    result->stop.push_back(stops.Get(i).ToString().Utf8Value());
  }
  result->sampling = sampling_params(object);
  result->sampling.seed = uint32_t(number(object, "seed"));
  GrammarSpec grammar;
  grammar.text = string(object, "grammar");
  const bool is_schema = object.Get("grammarIsSchema").ToBoolean();
  grammar.origin = is_schema ? GrammarOrigin::schema : GrammarOrigin::request;
  if (!grammar.text.empty()) {
    result->grammar = std::make_shared<const GrammarSpec>(std::move(grammar));
    if (auto* chat = std::get_if<ChatPrompt>(&prompt)) chat->has_form = true;
  }
  result->prompt = std::make_shared<const Prompt>(std::move(prompt));
  const Napi::Array stop_tokens = array(object, "stopTokens");
  for (uint32_t i = 0; i < stop_tokens.Length(); ++i) {
    result->stop_tokens.push_back(stop_tokens.Get(i).ToNumber().Int32Value());
  }
  result->cache_salt = string(object, "cacheSalt");
  return result;
}

// Another choice of the same reply. Shares what may be large.
std::shared_ptr<Request> choice_of(const Request& first, int32_t choice) {
  auto result = std::make_shared<Request>();
  result->id = first.id + RequestId(choice);
  result->prompt = first.prompt;
  result->max_tokens = first.max_tokens;
  result->prompt_logprobs = first.prompt_logprobs;
  result->stop = first.stop;
  result->stop_tokens = first.stop_tokens;
  result->sampling = first.sampling;
  // Folded as src/engine/native-request.ts does.
  const uint64_t seed = uint64_t(first.sampling.seed) + uint64_t(choice);
  result->sampling.seed = uint32_t(seed % UINT32_MAX);
  result->grammar = first.grammar;
  result->cache_salt = first.cache_salt;
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

const char* kind_name(DeviceKind kind) {
  switch (kind) {
    case DeviceKind::cpu: return "cpu";
    case DeviceKind::gpu: return "gpu";
    case DeviceKind::integrated: return "integrated";
    case DeviceKind::accelerator: return "accelerator";
  }
  return "cpu";
}

const char* code_name(FaultCode code) {
  switch (code) {
    case FaultCode::model_not_found: return "ERR_MODEL_NOT_FOUND";
    case FaultCode::model_invalid: return "ERR_MODEL_INVALID";
    case FaultCode::out_of_memory: return "ERR_OUT_OF_MEMORY";
    case FaultCode::gpu_unavailable: return "ERR_GPU_UNAVAILABLE";
    case FaultCode::context_length: return "ERR_CONTEXT_LENGTH";
    case FaultCode::invalid_request: return "ERR_INVALID_REQUEST";
    case FaultCode::invalid_grammar: return "ERR_INVALID_GRAMMAR";
    case FaultCode::invalid_schema: return "ERR_INVALID_SCHEMA";
    case FaultCode::queue_timeout: return "ERR_QUEUE_TIMEOUT";
    case FaultCode::cancelled: return "ERR_CANCELLED";
    case FaultCode::closed: return "ERR_CLOSED";
    case FaultCode::engine_failed: return "ERR_ENGINE_FAILED";
    case FaultCode::engine_ended: return "ERR_ENGINE_ENDED";
  }
  return "ERR_ENGINE_FAILED";
}

const char* call_format_name(CallFormat format) {
  switch (format) {
    case CallFormat::none: return "none";
    case CallFormat::other: return "other";
    case CallFormat::json: return "json";
    case CallFormat::tagged: return "tagged";
    case CallFormat::gemma: return "gemma";
  }
  return "none";
}

const char* reason_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::stop: return "stop";
    case FinishReason::length: return "length";
    case FinishReason::tool_calls: return "tool_calls";
    case FinishReason::cancelled: return "cancelled";
  }
  return "stop";
}

void set_fault(Napi::Object& object, const Fault& fault) {
  object.Set("code", code_name(fault.code));
  object.Set("message", fault.message);
  if (fault.input >= 0) object.Set("input", fault.input);
  if (!fault.option.empty()) object.Set("option", fault.option);
  if (fault.code != FaultCode::context_length) return;
  object.Set("promptTokens", fault.prompt_tokens);
  object.Set("contextTokens", fault.context_tokens);
}

template <typename Value>
void set_if(Napi::Object& object, const char* key, const std::optional<Value>& value) {
  if (value) object.Set(key, *value);
}

Napi::Array strings(Napi::Env env, const std::vector<std::string>& texts) {
  Napi::Array list = Napi::Array::New(env, texts.size());
  for (uint32_t i = 0; i < texts.size(); ++i) list.Set(i, texts[i]);
  return list;
}

Napi::Object recommended(Napi::Env env, const RecommendedSampling& sampling) {
  Napi::Object object = Napi::Object::New(env);
  set_if(object, "temperature", sampling.temperature);
  set_if(object, "topK", sampling.top_k);
  set_if(object, "topP", sampling.top_p);
  set_if(object, "minP", sampling.min_p);
  set_if(object, "repeatPenalty", sampling.repeat_penalty);
  set_if(object, "repeatLastN", sampling.repeat_last_n);
  return object;
}

// NativeTokenLogprob: the token's bytes and how likely it was.
Napi::Object logprob(Napi::Env env, const TokenLogprob& token) {
  Napi::Object object = Napi::Object::New(env);
  napi_value bytes;  // as text: a buffer takes ten times as long to make
  napi_create_string_latin1(env, token.bytes.data(), token.bytes.size(), &bytes);
  object.Set("bytes", bytes);
  object.Set("logprob", token.logprob);
  if (!token.name.empty()) object.Set("name", token.name);
  return object;
}

Napi::Array logprobs(Napi::Env env, const std::vector<TokenLogprobs>& tokens) {
  Napi::Array list = Napi::Array::New(env, tokens.size());
  for (uint32_t i = 0; i < tokens.size(); ++i) {
    Napi::Object object = logprob(env, tokens[i].chosen);
    Napi::Array top = Napi::Array::New(env, tokens[i].top.size());
    for (uint32_t j = 0; j < tokens[i].top.size(); ++j) {
      top.Set(j, logprob(env, tokens[i].top[j]));
    }
    object.Set("top", top);
    list.Set(i, object);
  }
  return list;
}

Napi::Array tool_calls(Napi::Env env, const std::vector<ToolCallDelta>& deltas) {
  Napi::Array list = Napi::Array::New(env, deltas.size());
  for (uint32_t i = 0; i < deltas.size(); ++i) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("index", deltas[i].index);
    if (!deltas[i].id.empty()) object.Set("id", deltas[i].id);
    if (!deltas[i].name.empty()) object.Set("name", deltas[i].name);
    object.Set("arguments", deltas[i].arguments);
    list.Set(i, object);
  }
  return list;
}

void set_use(Napi::Object& object, const MemoryUse& use) {
  object.Set("weightsBytes", double(use.weights));
  object.Set("kvBytes", double(use.kv));
  object.Set("computeBytes", double(use.compute));
}

Napi::Object to_js(Napi::Env env, const Placement& placement) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("layers", placement.layers);
  object.Set("gpuLayers", placement.gpu_layers);
  Napi::Array devices = Napi::Array::New(env, placement.devices.size());
  for (uint32_t i = 0; i < placement.devices.size(); ++i) {
    Napi::Object device = to_js(env, placement.devices[i].device);
    set_use(device, placement.devices[i].use);
    devices.Set(i, device);
  }
  object.Set("devices", devices);
  Napi::Object host = Napi::Object::New(env);
  set_use(host, placement.host);
  object.Set("host", host);
  return object;
}

Napi::Array to_js(Napi::Env env, const std::vector<Warning>& warnings) {
  Napi::Array list = Napi::Array::New(env, warnings.size());
  for (uint32_t i = 0; i < warnings.size(); ++i) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("code", warnings[i].code);
    object.Set("message", warnings[i].message);
    list.Set(i, object);
  }
  return list;
}

// Fills one NativeEvent object.
struct EventWriter {
  Napi::Env env;
  Napi::Object object;

  void begin(const char* kind) { object.Set("kind", kind); }
  void begin(const char* kind, RequestId id) {
    object.Set("kind", kind);
    object.Set("id", double(id));
  }

  void operator()(const TokenOutbox::Progress& event) {
    begin("progress");
    object.Set("fraction", event.fraction);
  }
  void operator()(const TokenOutbox::Loaded& event) {
    begin("ready");
    set_model(event.model);
  }
  void operator()(const TokenOutbox::Estimated& event) {
    begin("estimated");
    set_model(event.estimate.model);
    object.Set("freeBytes", double(event.estimate.free_bytes));
    object.Set("fits", event.estimate.fits);
  }
  void set_model(const LoadedModel& model) {
    object.Set("name", model.name);
    object.Set("description", model.description);
    object.Set("parameters", double(model.parameters));
    object.Set("bytes", double(model.bytes));
    object.Set("trainedContext", model.trained_context);
    object.Set("context", model.context);
    object.Set("threads", model.threads);
    object.Set("cacheBytes", double(model.cache_bytes));
    object.Set("vocabulary", model.vocabulary);
    object.Set("hasChatTemplate", model.has_chat_template);
    object.Set("callFormat", call_format_name(model.call_format));
    object.Set("canInfill", model.can_infill);
    object.Set("thinkingEnds", strings(env, model.reasoning_ends));
    object.Set("sampling", recommended(env, model.sampling));
    if (model.embedding) {
      Napi::Object embedding = Napi::Object::New(env);
      embedding.Set("size", model.embedding->size);
      embedding.Set("pooling", model.embedding->pooling);
      object.Set("embedding", embedding);
    }
    object.Set("placement", to_js(env, model.placement));
    object.Set("warnings", to_js(env, model.warnings));
  }
  void operator()(const TokenOutbox::LoadFailed& event) {
    begin("load-failed");
    set_fault(object, event.fault);
  }
  void operator()(const TokenOutbox::Ended& event) {
    begin("ended");
    set_fault(object, event.cause);
  }
  void operator()(const TokenOutbox::Closed&) { begin("closed"); }
  void operator()(const TokenOutbox::Accepted& event) {
    begin("accepted", event.id);
    object.Set("promptTokens", event.prompt_tokens);
  }
  void operator()(const TokenOutbox::Text&) {}  // see texts()
  void operator()(const TokenOutbox::Parts& event) {
    begin("part", event.id);
    const Part& part = event.part;
    object.Set("text", part.text);
    object.Set("tokens", part.tokens);
    if (!part.reasoning.empty()) object.Set("reasoning", part.reasoning);
    if (!part.tool_calls.empty()) object.Set("toolCalls", tool_calls(env, part.tool_calls));
    if (!part.logprobs.empty()) object.Set("logprobs", logprobs(env, part.logprobs));
    if (!part.prompt_logprobs.empty()) {
      object.Set("promptLogprobs", logprobs(env, part.prompt_logprobs));
    }
  }
  void operator()(const TokenOutbox::Finished& event) {
    begin("finished", event.id);
    object.Set("finishReason", reason_name(event.reason));
    object.Set("promptTokens", event.tally.prompt_tokens);
    object.Set("cachedTokens", event.tally.cached_tokens);
    object.Set("completionTokens", event.tally.completion_tokens);
    set_if(object, "reasoningTokens", event.tally.reasoning_tokens);
    object.Set("draftTokens", event.tally.draft_tokens);
    object.Set("draftAcceptedTokens", event.tally.draft_accepted_tokens);
    if (!event.tally.stop_string.empty()) object.Set("stopString", event.tally.stop_string);
    object.Set("queueMs", event.tally.queue_ms);
    object.Set("prefillMs", event.tally.prefill_ms);
    object.Set("decodeMs", event.tally.decode_ms);
    object.Set("parkedMs", event.tally.parked_ms);
  }
  void operator()(const TokenOutbox::Embedded& event) {
    begin("embedded", event.id);
    Napi::Float32Array values = Napi::Float32Array::New(env, event.values.size());
    std::copy(event.values.begin(), event.values.end(), values.Data());
    object.Set("values", values);
    object.Set("promptTokens", event.prompt_tokens);
  }
  void operator()(const TokenOutbox::Failed& event) {
    begin("error", event.id);
    set_fault(object, event.fault);
  }
  void operator()(const TokenOutbox::Tokens& event) {
    begin("tokens", event.id);
    Napi::Int32Array ids = Napi::Int32Array::New(env, event.tokens.size());
    std::copy(event.tokens.begin(), event.tokens.end(), ids.Data());
    object.Set("tokens", ids);
  }
  void operator()(const TokenOutbox::TextMade& event) {
    begin("text-made", event.id);
    object.Set("text", event.text);
  }
  void operator()(const TokenOutbox::SetAside& event) { begin("set-aside", event.id); }
  void operator()(const TokenOutbox::Pieces& event) {
    begin("pieces", event.id);
    Napi::Array list = Napi::Array::New(env, event.pieces.size());
    for (uint32_t i = 0; i < event.pieces.size(); ++i) {
      const std::string& bytes = event.pieces[i];
      list.Set(i, Napi::Buffer<char>::Copy(env, bytes.data(), bytes.size()));
    }
    object.Set("pieces", list);
  }
};

using Events = std::vector<TokenOutbox::Event>;

bool is_text(const TokenOutbox::Event& event) {
  return std::holds_alternative<TokenOutbox::Text>(event);
}

// Texts are as many as tokens: neighbours are one event, and an entry in each of its arrays costs
// a third of an object with names.
Napi::Object texts(Napi::Env env, Events::const_iterator first, Events::const_iterator last) {
  const size_t count = last - first;
  Napi::Array ids = Napi::Array::New(env, count);
  Napi::Array texts = Napi::Array::New(env, count);
  Napi::Array tokens = Napi::Array::New(env, count);
  for (uint32_t i = 0; i < count; ++i) {
    const auto& event = std::get<TokenOutbox::Text>(first[i]);
    ids.Set(i, double(event.id));
    texts.Set(i, event.text);
    tokens.Set(i, event.tokens);
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("kind", "texts");
  object.Set("ids", ids);
  object.Set("texts", texts);
  object.Set("tokens", tokens);
  return object;
}

Napi::Object one(Napi::Env env, const TokenOutbox::Event& event) {
  EventWriter writer{env, Napi::Object::New(env)};
  std::visit(writer, event);
  return writer.object;
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
  options.kv_type = kv_type(string(object, "kvType"));
  options.flash_attention = flash_attention(string(object, "flashAttention"));
  options.threads = integer(object, "threads");
  options.cores_max = integer(object, "coresMax");
  options.poll = integer(object, "poll");
  options.priority = priority(string(object, "priority"));
  options.placement = placement_request(object);
  options.chat_template = string(object, "chatTemplate");
  options.draft_path = string(object, "draft");
  options.lookup = object.Get("lookup").ToBoolean();
  options.draft_max = integer(object, "draftMax");
  options.estimates_only = object.Get("estimatesOnly").ToBoolean();
  options.embeddings = embedding_use(string(object, "embeddings"));
  options.window = integer(object, "window");
  options.queue_depth_max = integer(object, "queueDepthMax");
  options.queue_deadline =
      std::chrono::milliseconds(static_cast<int64_t>(number(object, "queueDeadlineMs")));
  return options;
}

RequestGroup choices(const Napi::Object& object) {
  RequestGroup choices{request(object)};
  const int32_t count = integer(object, "choices");
  for (int32_t i = 1; i < count; ++i) choices.push_back(choice_of(*choices.front(), i));
  const auto group = std::make_shared<GroupState>();
  for (const auto& choice : choices) choice->group = group;
  return choices;
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
  chat.wants_reasoning = object.Get("thinking").ToBoolean();
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
  result->id = static_cast<RequestId>(number(object, "id"));
  const Napi::Array inputs = array(object, "inputs");
  for (uint32_t i = 0; i < inputs.Length(); ++i) {
    const Napi::Value input = inputs.Get(i);
    if (input.IsString()) {
      result->inputs.emplace_back(input.As<Napi::String>().Utf8Value());
    } else {
      result->inputs.emplace_back(token_ids(input.As<Napi::Int32Array>()));
    }
  }
  return result;
}

std::vector<int32_t> token_ids(const Napi::Int32Array& array) {
  return std::vector<int32_t>(array.Data(), array.Data() + array.ElementLength());
}

Napi::Array to_js(Napi::Env env, const Events& events) {
  Napi::Array array = Napi::Array::New(env);
  uint32_t count = 0;
  for (auto first = events.begin(); first != events.end();) {
    Napi::HandleScope scope(env);
    const auto last = std::find_if_not(first, events.end(), is_text);
    array.Set(count++, first == last ? one(env, *first) : texts(env, first, last));
    first = first == last ? first + 1 : last;
  }
  return array;
}

Napi::Object to_js(Napi::Env env, const Stats& stats) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("queued", double(stats.queued));
  object.Set("running", double(stats.running));
  object.Set("parked", double(stats.parked));
  object.Set("cellsUsed", double(stats.cells_used));
  object.Set("cellsCached", double(stats.cells_cached));
  object.Set("cellsTotal", double(stats.cells_total));
  object.Set("cacheBytes", double(stats.cache_bytes));
  object.Set("cacheEntries", double(stats.cache_entries));
  object.Set("stepMs", stats.step_ms);
  object.Set("steps", double(stats.steps));
  object.Set("beats", double(stats.beats));
  object.Set("preparerBeats", double(stats.preparer_beats));
  object.Set("busy", stats.busy);
  object.Set("rowsDecoded", double(stats.rows_decoded));
  object.Set("rowsPrefilled", double(stats.rows_prefilled));
  object.Set("decodeSteps", double(stats.decode_steps));
  object.Set("tokensGenerated", double(stats.tokens_generated));
  object.Set("promptTokens", double(stats.prompt_tokens));
  object.Set("cachedTokens", double(stats.cached_tokens));
  object.Set("draftTokens", double(stats.draft_tokens));
  object.Set("draftAcceptedTokens", double(stats.draft_accepted_tokens));
  object.Set("preempted", double(stats.preempted));
  object.Set("moved", double(stats.moved));
  object.Set("started", double(stats.started));
  object.Set("finished", double(stats.finished));
  object.Set("cancelled", double(stats.cancelled));
  object.Set("failed", double(stats.failed));
  const auto cancelled_in = [&](Phase phase) { return double(stats.cancelled_in[size_t(phase)]); };
  object.Set("cancelledQueued", cancelled_in(Phase::queued));
  object.Set("cancelledPrefill", cancelled_in(Phase::prefill));
  object.Set("cancelledDecode", cancelled_in(Phase::decode));
  object.Set("cancelledParked", cancelled_in(Phase::parked));
  return object;
}

Napi::Object to_js(Napi::Env env, const Device& device) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("name", device.name);
  object.Set("description", device.description);
  object.Set("backend", device.backend);
  object.Set("kind", kind_name(device.kind));
  object.Set("totalBytes", double(device.total_bytes));
  object.Set("freeBytes", double(device.free_bytes));
  if (!device.fault.empty()) object.Set("fault", device.fault);
  return object;
}

}  // namespace sluice
