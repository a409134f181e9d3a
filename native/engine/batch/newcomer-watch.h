#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "engine/batch/loop.h"
#include "engine/batch/messages.h"
#include "engine/batch/slots.h"
#include "engine/policy/newcomer-budget.h"

namespace sluice {

// Looks for newcomers while a batch of prompts is computed that nobody waits beside: requests that
// would be done soon, and for which the batch is to be abandoned. It reads the engine's mailbox for
// that, and so is where StepLoop gets its messages from. Owned by StepLoop. Engine thread only.
class NewcomerWatch {
 public:
  NewcomerWatch(const Wiring& wiring, Slots& slots) : wiring_(wiring), slots_(slots) {}

  // All messages that have come, in order; does not wait.
  std::vector<EngineMessage> take_messages();

  // A batch begins that is expected to take so long. It gives way to a request with fewer rows to
  // compute than `rows`. Zero of either: it does not give way.
  void begin(double batch_ms, int32_t rows);
  // Whether the batch is to be abandoned now. Asked between the nodes of its graph.
  bool has_come();
  // Whether that was so.
  bool gives_way() const { return gives_way_; }
  // How it ended.
  void computed(double ms) { budget_.computed(ms); }
  void abandoned(double ms);

 private:
  void receive();
  bool is_newcomer(const EngineMessage& message) const;

  const Wiring& wiring_;
  Slots& slots_;
  NewcomerBudget budget_;
  std::vector<EngineMessage> messages_;  // that came during a batch
  Clock::time_point until_{};
  int32_t rows_ = 0;
  bool gives_way_ = false;
};

}  // namespace sluice
