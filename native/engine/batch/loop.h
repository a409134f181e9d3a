#pragma once

#include <atomic>
#include <functional>
#include <utility>

#include "base/clock.h"
#include "base/mailbox.h"
#include "engine/batch/messages.h"
#include "engine/request/event-sink.h"
#include "engine/request/ledger.h"
#include "llama/context.h"

namespace sluice {

// What the engine's threads share. Owned by Engine, which outlives all that use it.
struct Wiring {
  Ledger& ledger;
  EventSink& sink;
  Mailbox<EngineMessage>& mailbox;  // the engine thread's
  const std::atomic<bool>& closing;
};

// What the engine's thread does once the model is there: StepLoop generates, Embedder embeds.
class Loop {
 public:
  virtual ~Loop() = default;
  // Returns when `closing` is set. What is in flight then stays in the ledger.
  virtual void run() = 0;
  // After that: hands what is computed to the store of states, until then.
  virtual void save_states(Clock::time_point) {}
};

// A batch is aborted when all requests in it are cancelled, because llama.cpp drops the whole
// batch; when prompts give way to a newcomer; or when the engine closes. Lives as long as the batch
// is computed.
class BatchAbort : public AbortCheck {
 public:
  BatchAbort(const Wiring& wiring, std::function<bool()> is_unwanted)
      : wiring_(wiring), is_unwanted_(std::move(is_unwanted)) {}

  bool should_abort() const override {
    wiring_.ledger.beat();  // a batch may take a minute
    return wiring_.closing.load(std::memory_order_relaxed) || is_unwanted_();
  }

 private:
  const Wiring& wiring_;
  const std::function<bool()> is_unwanted_;
};

}  // namespace sluice
