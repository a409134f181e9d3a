#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fault.h"
#include "engine/request/part.h"
#include "engine/request/request.h"
#include "llama/embedding-kind.h"
#include "llama/model.h"
#include "memory/placement.h"

namespace sluice {

enum class FinishReason { stop, length, tool_calls, cancelled };

// How far a request had come.
enum class Phase {
  queued,   // with the Preparer, or waiting for its first slot
  prefill,  // it had none of its tokens yet
  decode,
  parked,  // waiting for its reader
};

// The counts and times of a reply, at its end, and how far its request had come.
struct Tally {
  Phase phase = Phase::queued;
  int32_t prompt_tokens = 0;
  int32_t cached_tokens = 0;  // of the prompt, taken from another sequence's state
  int32_t completion_tokens = 0;
  std::optional<int32_t> reasoning_tokens;  // of completion_tokens; none: it is not known
  int32_t draft_tokens = 0;
  int32_t draft_accepted_tokens = 0;  // of draft_tokens: the sampler chose the same
  std::string stop_string;            // empty unless one ended the reply
  double queue_ms = 0, prefill_ms = 0, decode_ms = 0;
  double parked_ms = 0;               // of decode_ms, waiting for the reader, or preempted
  std::vector<float> label_logprobs;  // of Request::label_tokens, in their order
};

// Where a model is, or would be, in bytes as llama.cpp counts its buffers. The output counts as one
// of the layers.
struct Placement {
  struct Part {
    Device device;  // its memory as it was before the load
    MemoryUse use;
  };
  std::vector<Part> devices;  // that hold something; none where the CPU computes alone
  MemoryUse host;             // weights that are mapped from their file among it
  int32_t layers = 0, gpu_layers = 0;
};

// What was loaded, and the settings that were chosen for it.
struct LoadedModel {
  std::string name, description;
  uint64_t parameters = 0, bytes = 0;
  int32_t trained_context = 0, context = 0, threads = 0, vocabulary = 0;
  uint64_t cache_bytes = 0;  // of host memory, for kept states
  bool has_chat_template = false, can_infill = false;
  std::vector<std::string> reasoning_ends;  // marks that end reasoning; none: it cannot be ended
  CallFormat call_format = CallFormat::none;
  std::optional<EmbeddingKind> embedding;  // of an engine that embeds
  RecommendedSampling sampling;
  Placement placement;
  std::vector<Warning> warnings;
};

// What a load would take; of the model, what is known without its weights.
struct Estimate {
  LoadedModel model;
  uint64_t free_bytes = 0;  // of the system's memory
  bool fits = false;        // into what is free, weights included
};

// Takes the engine's events. Implemented by native/addon's TokenOutbox. Every method may be called
// from any engine thread and never waits.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void progress(float fraction) = 0;
  virtual void loaded(const LoadedModel& model) = 0;
  // Instead of loaded(), from an engine that estimates only.
  virtual void estimated(const Estimate& estimate) = 0;
  virtual void load_failed(const Fault& fault) noexcept = 0;
  // The engine ends by itself, because of this fault: closed() follows. At most once.
  virtual void ended(const Fault& cause) noexcept = 0;
  virtual void closed() noexcept = 0;
  // Something went wrong that no request fails for, after loaded().
  virtual void warned(const Warning& warning) = 0;
  virtual void accepted(RequestId id, int32_t prompt_tokens) = 0;
  virtual void text(RequestId id, std::string_view text, int32_t tokens) = 0;
  // Instead of text(), of replies that have more than text. One reply uses one of the two only.
  virtual void part(RequestId id, Part part) = 0;
  virtual void finished(RequestId id, FinishReason reason, const Tally& tally) = 0;
  // The end of a request that embeds: the vectors of its inputs, one after the other.
  virtual void embedded(RequestId id, std::vector<float> values, int32_t prompt_tokens) = 0;
  virtual void failed(RequestId id, const Fault& fault, Phase phase = Phase::queued) = 0;
  virtual void tokens(RequestId id, std::vector<int32_t> tokens) = 0;
  // The answer to a text job: the text of tokens, or a chat template's prompt.
  virtual void text_made(RequestId id, std::string text) = 0;
  virtual void pieces(RequestId id, std::vector<std::string> pieces) = 0;
  // A text job takes long and went to a slower lane: answers to later jobs come before its own.
  virtual void deferred(RequestId id) = 0;
  // A step has ended: only now readers may be woken for their text. With `may_wait` another end
  // follows soon, and text may wait for it if readers were just woken.
  virtual void flush(bool may_wait = false) = 0;
};

}  // namespace sluice
