#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "engine/batch/sequence.h"

namespace sluice {

// Everybody who has no slot: those that never had one, and those that gave theirs up and come
// back before any of the others starts. Owned by StepLoop. Engine thread only.
class WaitingLine {
 public:
  using Taker = std::function<bool(std::unique_ptr<Sequence>& sequence)>;

  // Behind those that were submitted before it: the Preparer may have taken longer for it.
  void join(std::unique_ptr<Sequence> sequence);
  // It was set aside: parked, or for want of cells.
  void join_again(std::unique_ptr<Sequence> sequence) { aside_.push_back(std::move(sequence)); }

  // Offers everybody who could run, in order, until `take` says that there is no room. It takes
  // one by moving it out, and may call join_again() for another.
  void offer(const Taker& take);
  // Takes out the cancelled, and those whose time to get a first slot is over, but for who is
  // served already.
  std::vector<std::unique_ptr<Sequence>> take_cancelled();
  std::vector<std::unique_ptr<Sequence>> take_submitted_before(Clock::time_point time);
  std::optional<Clock::time_point> oldest_submission() const;

  // Somebody would run if there were a slot.
  bool someone_waits() const;

  void credit(RequestId id, int32_t tokens, int32_t window);
  // Those that were set aside and wait for their readers.
  int64_t parked_count() const;

 private:
  using Line = std::deque<std::unique_ptr<Sequence>>;

  Line queue_;  // in order of submission
  Line aside_;  // in order of leaving
};

}  // namespace sluice
