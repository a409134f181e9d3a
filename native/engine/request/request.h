#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "grammar/constraint.h"
#include "llama/chat/chat-message.h"
#include "llama/lora/adapter-set.h"
#include "sampling/sampling-params.h"

namespace sluice {

using RequestId = uint64_t;

// Text with a gap, for models that were trained to fill it.
struct Infill {
  std::string before, after;
};

// Text as it stands, a conversation, token ids, or text around a gap.
using Prompt = std::variant<std::string, ChatPrompt, std::vector<int32_t>, Infill>;

// What every request in flight has, whatever it asks for.
struct Ticket {
  RequestId id = 0;
  std::string owner;  // who asks: owners take turns, and those who say none are one
  Clock::time_point submitted;
  std::atomic<bool> cancelled{false};  // its answer is not wanted any more
};

// What the requests of one group know of each other. Engine thread only.
struct GroupState {
  bool has_started = false;  // one of them got a slot
};

// What a caller asked for, beside the prompt. Made on the caller's thread and immutable from then
// on, but for `cancelled`, which any thread may set and which is never unset. Shared by the Ledger,
// the Preparer and the Sequence.
struct Request : Ticket {
  int32_t max_tokens = -1;       // -1 is until the context is full, 0 only computes the prompt
  int32_t prompt_logprobs = -1;  // of the prompt's tokens: alternatives of each; -1 is off
  std::vector<std::string> stop;
  std::vector<int32_t> stop_tokens;  // end the reply as the model's own end does
  // Not empty: nothing is generated, and the end tells how likely each is after the prompt.
  std::vector<int32_t> label_tokens;
  SamplingParams sampling;
  std::shared_ptr<const GrammarSpec> grammar;  // null: the reply is free; one for all of a group
  std::string tenant_salt;  // what is known of texts is shared between requests of the same only
  std::string cache_salt;   // the same of states: the tenant's, and the adapters (Engine::submit)
  AdapterSet adapters;      // that it is computed with
  std::shared_ptr<GroupState> group;
};

// The `n` choices of one reply, a request each, which differ in id and seed only; and their prompt,
// which goes with the group once it is tokens: a request may wait long for its slot.
struct RequestGroup {
  std::vector<std::shared_ptr<Request>> choices;
  std::shared_ptr<const Prompt> prompt;  // shared by the lanes that the group passes through
};

}  // namespace sluice
