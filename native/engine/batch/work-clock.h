#pragma once

#include <chrono>
#include <utility>

#include "base/clock.h"
#include "engine/request/ledger.h"

namespace sluice {

// Shares out the time of the engine's thread among the kinds of its work, which are fields of
// Stats. Costs a look at the clock where one kind ends and another begins. Owned by the loop.
class WorkClock {
 public:
  using Kind = double Stats::*;

  // What is in no span is `rest`.
  WorkClock(Stats& stats, Kind rest) : stats_(stats), kind_(rest) {}

  // As long as it lives, time is of this kind; within another span, that one's is interrupted.
  class Span {
   public:
    Span(WorkClock& clock, Kind kind) : clock_(clock), outer_(clock.begin(kind)) {}
    ~Span() { clock_.begin(outer_); }
    Span(const Span&) = delete;
    Span& operator=(const Span&) = delete;

   private:
    WorkClock& clock_;
    const Kind outer_;
  };

  // The numbers are as of now.
  void settle() { begin(kind_); }

 private:
  // Returns the kind until now.
  Kind begin(Kind kind) {
    const Clock::time_point now = Clock::now();
    stats_.*kind_ += std::chrono::duration<double, std::milli>(now - since_).count();
    since_ = now;
    return std::exchange(kind_, kind);
  }

  Stats& stats_;
  Kind kind_;
  Clock::time_point since_ = Clock::now();
};

}  // namespace sluice
