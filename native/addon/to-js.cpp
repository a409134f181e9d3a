#include "addon/to-js.h"

#include <algorithm>
#include <string>

namespace sluice {
namespace {

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
    case FaultCode::worker_unavailable: return "ERR_WORKER_UNAVAILABLE";
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

const char* phase_name(Phase phase) {
  switch (phase) {
    case Phase::queued: return "queued";
    case Phase::prefill: return "prefill";
    case Phase::decode: return "decode";
    case Phase::parked: return "parked";
  }
  return "queued";
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
  object.Set("id", token.token);
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

Napi::Float32Array floats(Napi::Env env, const std::vector<float>& values) {
  Napi::Float32Array array = Napi::Float32Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
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
    object.Set("reasoningEnds", strings(env, model.reasoning_ends));
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
  void operator()(const TokenOutbox::Warned& event) {
    begin("warning");
    object.Set("code", event.warning.code);
    object.Set("message", event.warning.message);
  }
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
    object.Set("phase", phase_name(event.tally.phase));
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
    if (!event.tally.label_logprobs.empty()) {
      object.Set("labelLogprobs", floats(env, event.tally.label_logprobs));
    }
  }
  void operator()(const TokenOutbox::Embedded& event) {
    begin("embedded", event.id);
    object.Set("values", floats(env, event.values));
    object.Set("promptTokens", event.prompt_tokens);
  }
  void operator()(const TokenOutbox::Failed& event) {
    begin("error", event.id);
    set_fault(object, event.fault);
    object.Set("phase", phase_name(event.phase));
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
  void operator()(const TokenOutbox::Deferred& event) { begin("deferred", event.id); }
  void operator()(const TokenOutbox::Pieces& event) {
    begin("pieces", event.id);
    Napi::Array list = Napi::Array::New(env, event.pieces.size());
    for (uint32_t i = 0; i < event.pieces.size(); ++i) {
      const std::string& bytes = event.pieces[i];
      Napi::Uint8Array piece = Napi::Uint8Array::New(env, bytes.size());
      std::copy(bytes.begin(), bytes.end(), piece.Data());
      list.Set(i, piece);
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
  // Without their length: an array that was ever longer than what is in it is written to another
  // process with a key for each entry.
  Napi::Array ids = Napi::Array::New(env);
  Napi::Array texts = Napi::Array::New(env);
  Napi::Array tokens = Napi::Array::New(env);
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

// EngineSnapshot.slots. One array of numbers: a snapshot goes with each batch of events to the
// process that asked, and objects of 128 slots cost more than all their texts.
Napi::Float64Array slot_numbers(Napi::Env env, const std::vector<SlotView>& slots) {
  constexpr size_t kNumbers = 6;
  Napi::Float64Array numbers = Napi::Float64Array::New(env, slots.size() * kNumbers);
  double* next = numbers.Data();
  for (const SlotView& slot : slots) {
    *next++ = double(slot.request);
    *next++ = double(int(slot.phase));
    *next++ = slot.prompt_tokens;
    *next++ = slot.cached_tokens;
    *next++ = slot.computed_tokens;
    *next++ = slot.completion_tokens;
  }
  return numbers;
}

}  // namespace

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

Napi::Object to_js(Napi::Env env, const Stats& stats, const std::vector<SlotView>& slots) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("running", double(stats.running));
  object.Set("parked", double(stats.parked));
  object.Set("cellsUsed", double(stats.cells_used));
  object.Set("cellsCached", double(stats.cells_cached));
  object.Set("cellsTotal", double(stats.cells_total));
  object.Set("cacheBytes", double(stats.cache_bytes));
  object.Set("cacheEntries", double(stats.cache_entries));
  object.Set("diskBytes", double(stats.disk.bytes));
  object.Set("diskEntries", double(stats.disk.entries));
  object.Set("diskReads", double(stats.disk.reads));
  object.Set("diskReadBytes", double(stats.disk.read_bytes));
  object.Set("diskWrites", double(stats.disk.writes));
  object.Set("diskWrittenBytes", double(stats.disk.written_bytes));
  object.Set("diskDropped", double(stats.disk.dropped));
  object.Set("diskErrors", double(stats.disk.errors));
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
  object.Set("planMs", stats.plan_ms);
  object.Set("computeMs", stats.compute_ms);
  object.Set("sampleMs", stats.sample_ms);
  object.Set("textMs", stats.text_ms);
  object.Set("wakeMs", stats.wake_ms);
  object.Set("idleMs", stats.idle_ms);
  object.Set("preempted", double(stats.preempted));
  object.Set("moved", double(stats.moved));
  object.Set("slots", slot_numbers(env, slots));
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
