#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "disk/state-store.h"
#include "engine/request/event-sink.h"
#include "engine/request/request.h"

namespace sluice {

// Gauges first, then counters since load. EngineStats in src/api/types.ts says what each is. How
// many requests wait, and how they ended, their owner counts (src/engine/engine-client.ts).
struct Stats {
  int64_t running = 0, parked = 0, cells_used = 0, cells_cached = 0, cells_total = 0;
  int64_t cache_bytes = 0, cache_entries = 0;
  double step_ms = 0;  // moving average over the last steps, about 20
  int64_t steps = 0, rows_decoded = 0, rows_prefilled = 0, decode_steps = 0, tokens_generated = 0;
  int64_t prompt_tokens = 0, cached_tokens = 0, preempted = 0, moved = 0;
  int64_t draft_tokens = 0, draft_accepted_tokens = 0;
  StateStoreCounts disk;
  // What the engine's thread did, and how long; a batch counts as computing until its logits are
  // there.
  double plan_ms = 0, compute_ms = 0, sample_ms = 0, text_ms = 0, wake_ms = 0, idle_ms = 0;
  int64_t beats = 0, preparer_beats = 0;
  bool busy = false;
};

// What is in a slot, as SlotStats in src/api/types.ts says. Nothing: `request` is 0.
struct SlotView {
  RequestId request = 0;
  Phase phase = Phase::queued;
  int32_t prompt_tokens = 0, cached_tokens = 0, computed_tokens = 0, completion_tokens = 0;
};

// The requests in flight, and the engine's numbers. A request enters once, through admit(), and
// leaves once, through retire(): the thread that retires it tells its end, so each has one end,
// whichever of the engine's threads come to it at once.
//
// Owned by Engine. Any thread.
class Ledger {
 public:
  // Refuses none: their owner decides how many may be in flight.
  void admit(const std::vector<std::shared_ptr<Ticket>>& tickets);
  // The engine's thread answers those that are left, and ends: no more are taken in, since they
  // would have no answer. Their owner hears `closed`.
  void close();
  // Null when it is not in flight (any more).
  std::shared_ptr<Ticket> find(RequestId id) const;
  // True when it is in flight: then the thread that works on it must know.
  bool cancel(RequestId id);
  // False when it was retired before; then there is nothing to report.
  bool retire(RequestId id);
  std::vector<std::shared_ptr<Ticket>> in_flight() const;
  // All that are left, without events and without memory.
  void retire_all() noexcept;

  // It leaves the Preparer for the engine's loop. False where it was retired before; then it may
  // have no further event.
  bool hand_over(RequestId id);
  // Retires those with the Preparer that are not wanted any more: `cancelled`, and `late`, those
  // that were submitted before `time`. The late ones are marked as cancelled from then on, so that
  // no more is done for them.
  struct Gone {
    std::vector<std::shared_ptr<Ticket>> cancelled, late;
  };
  Gone retire_unprepared(Clock::time_point time);
  // When the oldest of those with the Preparer was submitted.
  std::optional<Clock::time_point> oldest_unprepared() const;

  // A heartbeat of the engine's thread: in every step, and within a batch wherever the backend asks
  // whether to abort it. Called for each node of a graph, so it costs a load and a store.
  void beat() {
    beats_.store(beats_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  // One of the Preparer's threads has begun a job or ended one, or made one of its sequences.
  void preparer_beat() { ++preparer_beats_; }
  // As long as it lives, the engine's thread waits for something to do.
  class Idle {
   public:
    explicit Idle(Ledger& ledger) : ledger_(ledger) { ledger_.set_idle(Clock::now()); }
    ~Idle() { ledger_.set_idle(std::nullopt); }
    Idle(const Idle&) = delete;
    Idle& operator=(const Idle&) = delete;

   private:
    Ledger& ledger_;
  };
  // The step loop's side of the numbers, published once a step.
  void publish(const Stats& step, const std::vector<SlotView>& slots = {});
  Stats stats() const;
  std::vector<SlotView> slots() const;

 private:
  bool retire_locked(RequestId id);
  void set_idle(std::optional<Clock::time_point> since);

  mutable std::mutex mutex_;
  std::unordered_map<RequestId, std::shared_ptr<Ticket>> requests_;
  std::map<RequestId, std::shared_ptr<Ticket>> unprepared_;  // of them; ids ascend
  bool closed_ = false;
  Stats stats_;
  std::vector<SlotView> slots_;
  std::optional<Clock::time_point> idle_since_;  // until the thread publishes what it did
  std::atomic<int64_t> beats_{0};                // the engine's thread writes it
  std::atomic<int64_t> preparer_beats_{0};
};

}  // namespace sluice
