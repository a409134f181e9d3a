#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "engine/batch/sequence.h"
#include "engine/request/fair-line.h"

namespace sluice {

// The sequences that have no slot: those that never had one, and those that were preempted. Owners
// take turns; one that was preempted comes before those of its owner that were submitted after it.
// Owned by StepLoop. Engine thread only.
class WaitingLine {
 public:
  using Taker = std::function<bool(std::unique_ptr<Sequence>& sequence)>;

  // Behind those of its owner that were submitted before it, even where the Preparer took longer
  // for those.
  void join(std::unique_ptr<Sequence> sequence);
  // It was preempted.
  void join_again(std::unique_ptr<Sequence> sequence) { preempted_.push_back(std::move(sequence)); }

  // Offers each sequence that could run, in order, until `take` says that there is no room. `take`
  // moves out the one it takes, and may call join_again() for another.
  void offer(const Taker& take);
  // Takes out the cancelled; and those whose queue deadline is over, unless they are exempt.
  std::vector<std::unique_ptr<Sequence>> take_cancelled();
  std::vector<std::unique_ptr<Sequence>> take_submitted_before(Clock::time_point time);
  std::optional<Clock::time_point> oldest_submission() const;

  // Whether a sequence would run if there were a slot.
  bool has_runnable() const;

  void credit(RequestId id, int32_t tokens, int32_t window);
  // Those that were preempted and wait for their readers.
  int64_t parked_count() const;

 private:
  // Those whose readers have read on join the others.
  void end_parking();

  FairLine<std::unique_ptr<Sequence>> queue_;
  // In order of preemption: they wait for their readers, or for the next offer.
  std::vector<std::unique_ptr<Sequence>> preempted_;
};

}  // namespace sluice
