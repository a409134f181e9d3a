#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "engine/request.h"

namespace sluice {

enum class Outcome { finished, cancelled, failed };

// How far a request had come.
enum class Phase {
  queued,   // with the Preparer, or waiting for its first place
  prefill,  // it had none of its tokens yet
  decode,
  parked,  // waiting for its reader
};

// Gauges first, then counters since load. NativeStats in src/binding/native.ts says what each is.
struct Stats {
  int64_t queued = 0, running = 0, parked = 0, cells_used = 0, cells_cached = 0, cells_total = 0;
  int64_t cache_bytes = 0, cache_entries = 0;
  double step_ms = 0;  // moving average over the last steps, about 20
  int64_t steps = 0, rows_decoded = 0, rows_prefilled = 0, decode_steps = 0, tokens_generated = 0;
  int64_t prompt_tokens = 0, cached_tokens = 0, preempted = 0, moved = 0;
  int64_t draft_tokens = 0, draft_accepted_tokens = 0;
  int64_t beats = 0;
  int64_t started = 0, finished = 0, cancelled = 0, failed = 0;
  std::array<int64_t, 4> cancelled_in{};  // of `cancelled`, by Phase
};

// Who is in flight, and the counts. Every request enters once, through admit(), and leaves once,
// through retire(): so started = finished + cancelled + failed by construction.
// Owned by Engine. Any thread.
class Ledger {
 public:
  // All of them or none. False when more than in_flight_max requests would be in flight: the one
  // place that refuses.
  bool admit(const std::vector<std::shared_ptr<Ticket>>& tickets, size_t in_flight_max);
  // Null when it is not in flight (any more).
  std::shared_ptr<Ticket> find(RequestId id) const;
  // False when somebody else retired it before; then there is nothing to report. The phase is
  // counted of the cancelled.
  bool retire(RequestId id, Outcome outcome, Phase phase = Phase::queued);
  std::vector<std::shared_ptr<Ticket>> in_flight() const;

  // It leaves the Preparer for the engine's loop. False where somebody retired it before; then
  // nobody may hear of it any more.
  bool hand_over(RequestId id);
  // Retires those with the Preparer whom nobody waits for any more: `cancelled`, and `late`, those
  // that were submitted before `time`. The late ones are marked as cancelled from then on, so that
  // no more is done for them.
  struct Gone {
    std::vector<std::shared_ptr<Ticket>> cancelled, late;
  };
  Gone retire_unprepared(Clock::time_point time);
  // When the oldest of those with the Preparer was submitted.
  std::optional<Clock::time_point> oldest_unprepared() const;

  // A call that takes seconds goes on: of those that nobody would otherwise see move.
  void beat() { ++beats_; }
  // The step loop's side of the numbers, published once a step.
  void publish(const Stats& step);
  Stats stats() const;

 private:
  bool retire_locked(RequestId id, Outcome outcome, Phase phase);

  mutable std::mutex mutex_;
  std::unordered_map<RequestId, std::shared_ptr<Ticket>> requests_;
  std::map<RequestId, std::shared_ptr<Ticket>> unprepared_;  // of them; ids ascend
  Stats stats_;
  std::atomic<int64_t> beats_{0};
};

}  // namespace sluice
